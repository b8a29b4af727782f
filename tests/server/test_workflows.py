"""Workflows are refused with 501, since the workflow SDK would otherwise publish forever."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.sink import Sink

WORDS = "workflows are not supported by the embedded server"


@pytest.fixture
def http(server_url: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    with httpx.Client(base_url=server_url, trust_env=False, headers=headers) as client:
        yield client


def assert_is_refused(refused: httpx.Response) -> None:
    assert refused.status_code == 501, refused.text
    assert refused.json()["error"].startswith(WORDS)


@pytest.mark.parametrize(
    "name",
    [
        "Upstash-Workflow-Init", "upstash-workflow-runid", "UPSTASH-WORKFLOW-URL",
        "Upstash-Callback-Workflow-RunId", "Upstash-Failure-Callback-Workflow-Url",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["publish", "enqueue", "batch", "schedule", "cron", "query"])
def test_a_message_of_a_workflow_is_refused_and_not_stored(
    http: httpx.Client, sink: Sink, way: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    header, cron = {name: "x"}, {"Upstash-Cron": "* * * * *"}
    item: dict[str, Any] = {"destination": sink.url, "headers": header}
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "publish": (f"publish/{sink.url}", {"headers": header}),
        "enqueue": (f"enqueue/q/{sink.url}", {"headers": header}),
        "batch": ("batch", {"json": [{"destination": sink.url}, item]}),
        "schedule": (f"schedules/{sink.url}", {"headers": header | cron}),
        "cron": (f"publish/{sink.url}", {"headers": header | cron}),
        "query": (f"publish/{sink.url}?{name.lower()}=x", {}),
    }
    path, given = requests[way]

    with caplog.at_level(logging.WARNING, "qstash_cli.server"):
        refused = http.post(f"/v2/{path}", **given)

    assert_is_refused(refused)
    (logged,) = caplog.messages
    assert WORDS in logged
    assert name.lower() in logged.lower()
    assert http.get("/v2/logs").json()["logs"] == http.get("/v2/schedules").json() == []


def test_a_group_with_default_headers_of_a_workflow_is_refused(
    http: httpx.Client, sink: Sink
) -> None:
    http.post("/v2/topics/g/endpoints", json={"endpoints": [{"url": sink.url}]})
    http.patch("/v2/topics/g", json={"headers": {"Upstash-Workflow-Init": "true"}})

    assert_is_refused(http.post("/v2/publish/g"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "trigger/http://127.0.0.1:9/x"), ("POST", "batch/trigger"), ("POST", "wait/done"),
        ("POST", "notify/done"), ("POST", "notify/run/done"), ("GET", "waiters/done"),
        ("GET", "workflows/runs"), ("DELETE", "workflows/runs"), ("DELETE", "workflows/runs/"),
        ("DELETE", "workflows/runs/wfr_1?cancel=true"), ("GET", "workflows/logs"),
        ("GET", "workflows/dlq"), ("POST", "workflows/dlq/resume/1-0"), ("GET", "workflows/events"),
        ("POST", "Workflows/hooks/user/run/event"), ("GET", "workflows/bulkActions"),
    ],
)  # fmt: skip
def test_the_endpoints_of_workflows_are_refused(
    http: httpx.Client, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "qstash_cli.server"):
        assert_is_refused(http.request(method, f"/v2/{path}"))

    assert [WORDS in line for line in caplog.messages] == [True]


def test_headers_that_only_mention_workflows_are_accepted(
    http: httpx.Client, sink: Sink, eventually: Any
) -> None:
    http.post(f"/v2/publish/{sink.url}", headers={"Upstash-Forward-Workflow": "x"})

    eventually(lambda: sink.received)
    assert sink.received[0].header("workflow") == "x"
