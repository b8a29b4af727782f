"""The server's credentials are public, so access to it is restricted."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.options import table
from tests import plain_http

AUTHORISED = {"Authorization": f"Bearer {DEV_USER.token}"}


@pytest.fixture
def http(server_url: str) -> Iterator[httpx.Client]:
    with plain_http.Client(base_url=server_url) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (AUTHORISED, 200),
        (AUTHORISED | {"Origin": "http://localhost:3000"}, 200),
        (AUTHORISED | {"Host": "localhost:1234"}, 200),
        (AUTHORISED | {"Host": "[::1]:1"}, 200),
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer wröng".encode("latin-1").decode("latin-1")}, 401),
        ({"Authorization": f"Basic {DEV_USER.token}"}, 401),
        (AUTHORISED | {"Origin": "https://evil.example"}, 403),
        (AUTHORISED | {"Origin": "null"}, 403),
        (AUTHORISED | {"Host": "evil.example"}, 421),
        (AUTHORISED | {"Host": "127.0.0.1.evil.example"}, 421),
    ],
)
def test_only_local_requests_with_the_token_are_accepted(
    http: httpx.Client, headers: dict[str, str], status: int
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = http.get("/v2/keys", headers=raw)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert ("error" in response.json()) == (status != 200)


def test_the_token_may_be_in_the_query(http: httpx.Client) -> None:
    assert http.get("/v2/keys", params={"qstash_token": DEV_USER.token}).status_code == 200
    assert http.get("/v2/keys", params={"qstash_token": "x"}).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/v2/nothing", 404, "Not Found"),
        ("PUT", "/v2/keys", 405, "Method Not Allowed"),
        ("GET", "/v2/messages/msg_1", 404, "message msg_1 not found"),
        ("DELETE", "/v2/messages/msg_1", 404, "message msg_1 not found"),
        ("DELETE", "/v2/messages/", 400, "the id is empty"),
        ("DELETE", "/v2/dlq/", 400, "the id is empty"),
        ("DELETE", "/v2/dlq?labeel=x", 400, "unknown query parameter: labeel"),
        ("DELETE", "/v2/dlq?host=x", 400, "unknown query parameter: host"),
        ("DELETE", "/v2/messages?label=", 400, "label cannot be empty"),
        ("POST", "/v2/dlq/retry/1-1", 404, "dlq message 1-1 not found"),
        ("GET", "/v2/logs?fromDate=yesterday", 400, "not a number: yesterday"),
        ("POST", "/v2/publish/", 400, "a non-empty destination must be provided"),
        ("POST", "/v2/publish", 400, "a non-empty destination must be provided"),
        ("POST", "/v2/publish/example.com/x", 400, "endpoint has invalid scheme"),
        ("POST", "/v2/publish/https%3A%2F%2Fexample.com", 400, "endpoint has invalid scheme"),
        ("POST", "/v2/publish/nobody", 404, "topic nobody not found"),
        ("POST", "/v2/enqueue/a%20b/https://example.com", 400, "not a valid queue name"),
    ],
)
def test_errors_are_json_with_the_messages_of_qstash(
    http: httpx.Client, method: str, path: str, status: int, words: str
) -> None:
    response = http.request(method, path, headers=AUTHORISED)

    assert (response.status_code, words in response.json()["error"]) == (status, True), (
        response.text
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Upstash-Deduplication-Id", "a:b", "DeduplicationId cannot contain ':'"),
        ("Upstash-Retries", "many", "Upstash-Retries"),
        ("Upstash-Delay", "soon", "Upstash-Delay"),
        ("Upstash-Retry-Delay", "__import__('os')", "Upstash-Retry-Delay"),
        ("Upstash-Callback", "example.com", "Upstash-Callback"),
        ("Upstash-Retry-Delay", "1000;2", "Upstash-Retry-Delay"),
        ("Upstash-Callback-Retry-Delay", "1000;2", "Upstash-Callback-Retry-Delay"),
        ("Upstash-Flow-Control-Value", "rate=1", "needs Upstash-Flow-Control-Key"),
        ("Upstash-Flow-Control-Value", "rate=1, period=8d", "Upstash-Flow-Control-Value: the per"),
        ("Upstash-Flow-Control-Value", "rate=1, period=604801", "between 1s and 7d"),
        ("Upstash-Flow-Control-Value", "rate=1, period=0", "between 1s and 7d"),
        (
            "Upstash-Failure-Callback-Flow-Control-Value", "rate=1, period=8d",
            "Upstash-Failure-Callback-Flow-Control-Value",
        ),
        ("Upstash-Flow-Control-Key", "k", "needs Upstash-Flow-Control-Value"),
    ],
)  # fmt: skip
def test_the_error_names_an_invalid_option(
    http: httpx.Client, name: str, value: str, words: str
) -> None:
    response = http.post("/v2/publish/http://127.0.0.1:9/", headers=AUTHORISED | {name: value})

    assert (response.status_code, words in response.json()["error"]) == (400, True), response.text
    assert http.get("/v2/logs", headers=AUTHORISED).json()["logs"] == []


@pytest.mark.parametrize("name", ["Upstash-Delay", "Upstash-Not-Before"])
def test_errors_of_the_api_name_headers_and_never_flags(http: httpx.Client, name: str) -> None:
    delayed = AUTHORISED | {name: "9000000000"}
    item = {"destination": "http://127.0.0.1:9/", "headers": {name: "9000000000"}, "queue": "q"}
    for refused in (
        http.post("/v2/enqueue/q/http://127.0.0.1:9/", headers=delayed),
        http.post("/v2/batch", headers=AUTHORISED, json=[item]),
    ):
        assert refused.status_code == 400
        assert name in refused.json()["error"]
        assert "--" not in refused.json()["error"]


@pytest.mark.parametrize(("period", "status"), [("604800", 200), ("604801", 400), ("0", 400)])
def test_a_pinned_period_is_at_most_seven_days(
    http: httpx.Client, period: str, status: int
) -> None:
    response = http.post(f"/v2/flowControl/k/pin?rate=1&period={period}", headers=AUTHORISED)

    assert (response.status_code, "period" in response.text) == (status, status != 200), (
        response.text
    )


def test_an_empty_list_of_ids_is_refused(http: httpx.Client) -> None:
    for path, name in (("/v2/messages", "messageIds"), ("/v2/dlq", "dlqIds")):
        response = http.request("DELETE", path, headers=AUTHORISED, json={name: []})

        assert (response.status_code, response.json()["error"]) == (400, f"{name} cannot be empty")


OPTION_HEADERS = sorted(
    {f"Upstash-{option.header}" for _, option in table()}
    | {
        f"Upstash-{family}{option.header}"
        for _, option in table()
        if option.callback
        for family in ("Callback-", "Failure-Callback-")
    }
)
NONSENSE = (
    "!!", "", "-1", "9" * 20, "a b", "1;2", "true false", "http://", "[", "rate=x", "rate=1,foo=2",
    "parallelism=0", "period=8d,rate=1", "@", "²",
)  # fmt: skip


@pytest.mark.parametrize("name", OPTION_HEADERS)
def test_any_problem_with_a_header_is_reported_under_its_name(
    http: httpx.Client, name: str
) -> None:
    refused = []
    for value in NONSENSE:
        for path in (
            "publish/http://127.0.0.1:9/", "enqueue/q/http://127.0.0.1:9/",
            "schedules/http://127.0.0.1:9/", "dlq/retry",
        ):  # fmt: skip
            cron = {"Upstash-Cron": "@daily"} if path.startswith("schedules") else {}
            given = {n.encode(): v.encode() for n, v in (AUTHORISED | cron | {name: value}).items()}
            response = http.post(f"/v2/{path}", headers=given)
            if response.status_code >= 400:
                refused.append(response.json()["error"])

    assert not [error for error in refused if "--" in error]
    unnamed = {error for error in refused if name.lower() not in error.lower()}
    # These are QStash's own messages.
    assert unnamed <= {"DeduplicationId cannot contain ':'"}
