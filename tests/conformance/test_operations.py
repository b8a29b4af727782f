"""Every operation of the OpenAPI document is served, and has a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import plain_http
from tests.conformance.operations import (
    BEYOND_THE_DOCUMENT,
    OPERATIONS,
    OTHER_METHOD,
    OTHER_STATUS,
    Operation,
)
from tests.in_process import Qstash

NOWHERE = "http://127.0.0.1:9/"
LATER = {"Upstash-Delay": "1h"}
BODIES: dict[str, Any] = {
    "POST /v2/batch": [{"destination": NOWHERE, "headers": LATER}],
    "POST /v2/queues": {"queueName": "q", "parallelism": 2},
    "POST /v2/topics/{topic}/endpoints": {"endpoints": [{"url": NOWHERE, "name": "n"}]},
    "DELETE /v2/topics/{topic}/endpoints": {"endpoints": [{"name": "second"}]},
    "PATCH /v2/topics/{topic}": {"headers": {"Upstash-Retries": "1"}},
}
HEADERS = {
    "POST /v2/publish/{destination}": LATER,
    "POST /v2/schedules/{destination}": {"Upstash-Cron": "@daily"},
}
PARAMETERS = {"POST /v2/flowControl/{flow}/pin": {"rate": "2"}}
VALUES = {"fromDate": "1", "toDate": "2", "responseStatus": "999", "count": "1", "cursor": "1"}


@pytest.fixture
def http(server_url: str) -> Iterator[httpx.Client]:
    with plain_http.Client(
        base_url=server_url,
        headers={"Authorization": f"Bearer {DEV_USER.token}"},
    ) as client:
        yield client


@pytest.fixture
def names(http: httpx.Client, eventually: Callable[..., object]) -> dict[str, str]:
    """Creates one resource of each kind with all of its fields, and returns their names."""
    everything = {
        "Content-Type": "text/plain",
        "Upstash-Retries": "0",
        "Upstash-Label": "a,b",
        "Upstash-Flow-Control-Key": "f",
        "Upstash-Flow-Control-Value": "rate=100,parallelism=50,period=1s",
        "Upstash-Callback": NOWHERE,
        "Upstash-Failure-Callback": NOWHERE,
        "Upstash-Callback-Forward-A": "b",
        "Upstash-Retry-Delay": "1000",
        "Upstash-Timeout": "5s",
        "Upstash-Forward-B": "c",
    }
    endpoints = {"endpoints": [{"url": NOWHERE, "name": "first"}, {"url": "http://x.example"}]}
    endpoints["endpoints"].append({"url": "http://y.example", "name": "second"})
    http.post("/v2/topics/t/endpoints", json=endpoints).raise_for_status()
    http.post("/v2/queues", json={"queueName": "q", "parallelism": 2}).raise_for_status()
    http.post("/v2/queues", json={"queueName": "empty"}).raise_for_status()
    scheduled = everything | {"Upstash-Cron": "0 0 1 1 *", "Upstash-Schedule-Id": "s"}
    scheduled |= {"Upstash-Delay": "10s"}
    http.post(f"/v2/schedules/{NOWHERE}", headers=scheduled, content="x").raise_for_status()
    http.delete("/v2/messages", params={"label": "nobody"}).raise_for_status()
    for group in (NOWHERE, "t"):
        http.post(f"/v2/publish/{group}", headers=everything, content="x").raise_for_status()
    eventually(lambda: http.get("/v2/dlq").json()["messages"])
    pending = http.post(f"/v2/publish/{NOWHERE}", headers=everything | LATER, content="x")
    action = http.get("/v2/bulkActions").json()["bulkActions"][0]
    return {
        "destination": NOWHERE,
        "queue": "q",
        "topic": "t",
        "schedule": "s",
        "flow": "f",
        "message": pending.json()["messageId"],
        "dlq": http.get("/v2/dlq").json()["messages"][0]["dlqId"],
        "action": action["actionId"],
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_the_response_matches_the_document(
    http: httpx.Client, names: dict[str, str], operation: Operation
) -> None:
    answer = http.request(
        operation.method,
        operation.path.format(**names),
        params=PARAMETERS.get(str(operation)),
        json=BODIES.get(str(operation)),
        headers=HEADERS.get(str(operation)),
    )

    assert answer.status_code == OTHER_STATUS.get(str(operation), (200, ""))[0], answer.text
    if operation.shape is not None:
        assert list(mismatches(answer.json(), operation.shape)) == []
        assert answer.json()


def mismatches(value: Any, shape: Any, at: str = "") -> Iterator[str]:
    """Yields the places where a value does not match the document."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{at} is no list"
            return
        for number, item in enumerate(value):
            yield from mismatches(item, shape[0], f"{at}[{number}]")
    elif isinstance(shape, dict):
        for name, item in value.items():
            inner = shape.get(name, shape.get("*"))
            if inner is not None:
                yield from mismatches(item, inner, f"{at}.{name}")
            elif name not in BEYOND_THE_DOCUMENT:
                yield f"{at}.{name} is not in the document"
    elif type(value) is not shape:
        yield f"{at} is {value!r}, no {shape.__name__}"


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.query], ids=str)
def test_exactly_the_documented_parameters_are_supported(
    http: httpx.Client, operation: Operation
) -> None:
    for name in operation.query:
        given = {name: VALUES.get(name, "x")}
        answer = http.request(operation.method, operation.path, params=given)
        assert answer.is_success or name == "dlqIds", f"{name}: {answer.text}"
    if operation.method != "GET" or operation.path in {"/v2/dlq", "/v2/logs"}:
        refused = http.request(operation.method, operation.path, params={"labeel": "x"})
        assert refused.status_code == 400
        assert refused.json() == {"error": "unknown query parameter: labeel"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_command_sends_the_request(qstash: Qstash, operation: Operation) -> None:
    run = qstash(*operation.command, "--dry-run", "-o", "json", stdin=b"{}", QSTASH_TOKEN="t")

    assert run.code == 0, run
    template = re.sub(r"\{destination\}", ".+", operation.path)
    assert run.json["method"] == OTHER_METHOD.get(str(operation), (operation.method, ""))[0]
    assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), urlsplit(run.json["url"]).path)


NOTHING = (
    ("GET", "/v2/messages/x", 404, "message x not found"),
    ("DELETE", "/v2/messages/x", 404, "message x not found"),
    ("POST", "/v2/messages/x/retry", 404, "message x not found"),
    ("GET", "/v2/bulkActions/x", 404, "bulk action x not found"),
    ("GET", "/v2/queues/x", 404, "queue x not found"),
    ("POST", "/v2/queues/x/pause", 404, "queue x not found"),
    ("POST", "/v2/queues/x/resume", 404, "queue x not found"),
    ("DELETE", "/v2/queues/x", 200, ""),
    ("GET", "/v2/queues/a b", 400, "name"),
    ("GET", "/v2/schedules/x", 404, "schedule x not found"),
    ("DELETE", "/v2/schedules/x", 404, "schedule x not found"),
    ("PATCH", "/v2/schedules/x/pause", 404, "schedule x not found"),
    ("POST", "/v2/schedules/x/resume", 404, "schedule x not found"),
    ("GET", "/v2/topics/x", 404, "topic x not found"),
    ("DELETE", "/v2/topics/x", 200, ""),
    ("POST", "/v2/publish/x", 404, "topic x not found"),
    ("POST", "/v2/publish/", 400, "a non-empty destination must be provided"),
    ("POST", "/v2/publish/https%3A%2F%2Fa.example", 400, "endpoint has invalid scheme"),
    ("POST", "/v2/publish/example.com/a", 400, "endpoint has invalid scheme"),
    ("POST", "/v2/enqueue/a%20b/https://a.example", 400, "name"),
    ("POST", "/v2/schedules/https://a.example", 400, "Upstash-Cron is missing"),
    ("GET", "/v2/dlq/x", 404, "dlq message x not found"),
    ("DELETE", "/v2/dlq/x", 404, "dlq message x not found"),
    ("POST", "/v2/dlq/retry/x", 404, "dlq message x not found"),
    ("POST", "/v2/dlq/retry?dlqIds=x", 404, "some messages not found"),
    ("DELETE", "/v2/dlq?dlqIds=x", 200, '"deleted":0'),
    ("GET", "/v2/flowControl/x", 404, "not found"),
    ("POST", "/v2/flowControl/x/pin?rate=0", 400, "rate"),
    ("DELETE", "/v2/messages/", 400, "the id is empty"),
    ("DELETE", "/v2/dlq/", 400, "the id is empty"),
    ("GET", "/v2/Schedules/", 200, "[]"),
    ("GET", "/v2/queues/", 200, "[]"),
)


@pytest.mark.parametrize(("method", "path", "status", "words"), NOTHING)
def test_missing_resources_and_invalid_requests(
    http: httpx.Client, method: str, path: str, status: int, words: str
) -> None:
    answer = http.request(method, path)

    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    if status >= 400:
        assert list(answer.json()) == ["error"]


BAD_OPTIONS = (
    ("Retries", "many"), ("Retries", "-1"), ("Delay", "soon"), ("Not-Before", "x"),
    ("Timeout", "-"), ("Method", "MOVE"), ("Retry-Delay", "1000*"), ("Callback", "example.com"),
    ("Failure-Callback", "example.com"), ("Flow-Control-Value", "rate=x"),
    ("Deduplication-Id", "a b"), ("Callback-Retries", "many"), ("Redact-Fields", "nothing"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD_OPTIONS)
def test_a_malformed_option_is_rejected_by_name(http: httpx.Client, name: str, value: str) -> None:
    headers = {f"Upstash-{name}": value, "Upstash-Flow-Control-Key": "k"}
    refused = http.post(f"/v2/publish/{NOWHERE}", headers=headers)

    assert refused.status_code == 400, refused.text
    assert f"Upstash-{name}".lower() in refused.json()["error"].lower()


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_wrong_token_is_rejected(http: httpx.Client, operation: Operation) -> None:
    refused = http.request(
        operation.method, operation.path, headers={"Authorization": "Bearer wrong"}
    )

    assert refused.status_code == 401
    assert refused.json() == {"error": "unable to authenticate: invalid token"}
