"""Steps of workflows that wait: for time, events and invoked runs."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qstash_cli.server.http.local_endpoint import Received
from qstash_cli.server.run import ServerConfig, running_server
from tests.stopping import stopped_later
from tests.workflow_app import WorkflowApp, quiet, result, running_workflow, steps_of

Eventually = Callable[..., Any]
HOUR_S = 3600


@pytest.fixture
def app(server_url: str) -> Iterator[WorkflowApp]:
    with running_workflow(server_url, submit=quiet) as app:
        yield app


@pytest.fixture
def manual_app() -> Iterator[WorkflowApp]:
    """An application whose server has a manual clock."""
    config = ServerConfig(port=0, speed=0)
    with stopped_later(running_server(config)) as url, running_workflow(url, submit=quiet) as app:
        yield app


def started(app: WorkflowApp, eventually: Eventually, run_id: str = "wfr_1") -> None:
    app.trigger(run_id)
    eventually(lambda: [one for one in app.received if run_of(one) == run_id])


def run_of(request: Received) -> str:
    return request.header("upstash-workflow-runid")


def wait(app: WorkflowApp, step_id: int, event: str, timeout: str, run_id: str = "wfr_1") -> Any:
    step = {"stepId": step_id, "stepName": "wait", "stepType": "Wait", "concurrent": 1}
    body = {"url": app.url, "timeout": timeout, "timeoutUrl": app.url, "step": step}
    response = app.api.post(f"/v2/wait/{event}", headers=app.step_headers(run_id), json=body)
    return response.raise_for_status().json()


def advance(app: WorkflowApp, duration: str) -> None:
    """Moves the manual clock, and waits for the deliveries."""
    moved = app.api.post("/console/api/clock", json={"advance": duration}).json()
    assert moved["settled"]


def last_step(app: WorkflowApp) -> dict[str, Any]:
    step: dict[str, Any] = steps_of(app.received[-1])[-1]
    return step


def test_an_event_reaches_every_run_that_waits_for_it(
    app: WorkflowApp, eventually: Eventually
) -> None:
    for run_id in ("wfr_1", "wfr_2"):
        started(app, eventually, run_id)
        wait(app, 1, "paid", "1h", run_id)
    waiters = app.api.get("/v2/waiters/paid").json()

    notified = app.api.post("/v2/notify/paid", content=b'{"n":1}').json()
    eventually(lambda: len(app.received) == 4)

    assert [one["url"] for one in waiters] == [app.url, app.url]
    assert [one["waiter"] for one in notified] == waiters
    assert [one["workflowRunId"] for one in notified] == ["wfr_1", "wfr_2"]
    ids = {one.header("upstash-message-id") for one in app.received[2:]}
    assert ids == {one["messageId"] for one in notified}
    for request in app.received[2:]:
        assert b64decode(steps_of(request)[1]["out"]) == b'{"n":1}'
        assert not steps_of(request)[1].get("waitTimeout")
    assert app.api.post("/v2/notify/paid", content=b"lost").json() == []
    assert app.api.get("/v2/waiters/paid").json() == []


def test_an_event_for_a_run_is_kept_until_a_step_waits_for_it(
    app: WorkflowApp, eventually: Eventually
) -> None:
    started(app, eventually)
    for data in (b"first", b"second"):
        assert app.api.post("/v2/notify/wfr_1/paid", content=data).json() == []

    wait(app, 1, "paid", "1h")
    eventually(lambda: len(app.received) == 2)
    assert b64decode(last_step(app)["out"]) == b"first"
    wait(app, 2, "paid", "1h")
    eventually(lambda: len(app.received) == 3)
    assert b64decode(last_step(app)["out"]) == b"second"
    assert app.api.post("/v2/notify/wfr_9/paid", content=b"").status_code == 404


def test_a_wait_times_out_by_the_clock_of_the_server(
    manual_app: WorkflowApp, eventually: Eventually
) -> None:
    started(manual_app, eventually)

    wait(manual_app, 1, "paid", "1h")
    advance(manual_app, "59m59s")
    assert len(manual_app.received) == 1
    advance(manual_app, "1h")

    assert len(manual_app.received) == 2
    assert last_step(manual_app)["waitTimeout"] is True
    assert "out" not in last_step(manual_app)
    filters = {"state": "DELIVERED", "order": "earliestFirst"}
    first, second = manual_app.api.get("/v2/logs", params=filters).json()["logs"]
    assert second["time"] - first["time"] == HOUR_S * 1000


def test_a_step_sleeps_by_the_clock_of_the_server(
    manual_app: WorkflowApp, eventually: Eventually
) -> None:
    started(manual_app, eventually)

    manual_app.step("wfr_1", result(1, None, stepType="SleepFor"), Upstash_Delay="1h")
    advance(manual_app, "59m59s")
    assert manual_app.log("wfr_1")["steps"][1]["steps"][0]["state"] == "STEP_PROGRESS"
    assert len(manual_app.received) == 1
    advance(manual_app, "1s")

    assert len(manual_app.received) == 2
    assert manual_app.log("wfr_1")["steps"][1]["steps"][0]["state"] == "STEP_SUCCESS"


def test_a_wait_that_is_submitted_again_waits_once(
    app: WorkflowApp, eventually: Eventually
) -> None:
    started(app, eventually)

    first, second = wait(app, 1, "paid", "1h"), wait(app, 1, "paid", "1h")

    assert first == second
    assert len(app.api.post("/v2/notify/paid").json()) == 1
    eventually(lambda: len(app.received) == 2)


def test_parallel_steps_are_delivered_each_with_the_steps_before_it(
    app: WorkflowApp, eventually: Eventually
) -> None:
    started(app, eventually)
    plans = [
        {"stepId": 0, "stepName": name, "stepType": "Run", "concurrent": 2, "targetStep": step_id}
        for step_id, name in ((1, "a"), (2, "b"))
    ]

    for plan in plans:
        app.step("wfr_1", plan)
    eventually(lambda: len(app.received) == 3)
    for step_id, name in ((2, "b"), (1, "a")):
        app.step("wfr_1", result(step_id, name, concurrent=2, stepName=name))
    eventually(lambda: len(app.received) == 5)

    by_length = sorted(app.received[1:], key=lambda one: len(one.body))
    names = [[step["stepName"] for step in steps_of(one)[1:]] for one in by_length]
    assert names == [["a"], ["a", "b"], ["a", "b", "b"], ["a", "b", "b", "a"]]
    # The last delivery may not be complete yet.
    _, group, *_ = app.log("wfr_1")["steps"]
    assert group["type"] == "parallel"
    assert [(one["stepId"], one["out"]) for one in group["steps"]] == [(1, '"a"'), (2, '"b"')]


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("?cancel=false", {"body": '{"a":1}', "isFailed": False, "isCanceled": False}),
        ("?cancel=true", {"isFailed": False, "isCanceled": True}),
    ],
)
def test_the_end_of_an_invoked_run_wakes_its_invoker(
    app: WorkflowApp, eventually: Eventually, path: str, out: dict[str, Any]
) -> None:
    app.trigger("wfr_1", Upstash_Forward_X_User="me")
    eventually(lambda: app.received)
    step = {"stepId": 1, "stepName": "invoke", "stepType": "Invoke", "concurrent": 1}
    body = {
        "body": "for the child", "headers": {}, "workflowRunId": "wfr_1",
        "workflowUrl": app.url, "step": step,
    }  # fmt: skip
    headers = app.step_headers("wfr_child") | {
        "Upstash-Workflow-Init": "true", "Upstash-Workflow-Invoke": "true",
    }  # fmt: skip
    for _ in range(2):
        # A delivery that is repeated invokes the child once.
        app.api.post(f"/v2/publish/{app.url}", headers=headers, json=body).raise_for_status()
        headers["Upstash-Workflow-RunId"] = "wfr_other"
    eventually(lambda: len(app.received) == 2)
    assert steps_of(app.received[1]) == ["for the child"]

    app.api.request("DELETE", f"/v2/workflows/runs/wfr_child{path}", content=b'{"a":1}')
    eventually(lambda: len(app.received) == 3)

    assert run_of(app.received[2]) == "wfr_1"
    assert app.received[2].header("x-user") == "me"
    assert json.loads(last_step(app)["out"]) == out
    assert app.log("wfr_child")["invoker"]["workflowRunId"] == "wfr_1"
    invoked = app.log("wfr_1")["steps"][1]["steps"][0]
    assert (invoked["state"], invoked["invokedWorkflowRunId"]) == ("STEP_SUCCESS", "wfr_child")


def test_a_run_that_is_cancelled_delivers_nothing_more(
    app: WorkflowApp, eventually: Eventually
) -> None:
    started(app, eventually)
    message_id = wait(app, 1, "paid", "1h")["messageId"]

    assert app.api.delete(f"/v2/messages/{message_id}").status_code == 400
    assert app.api.delete("/v2/messages").json() == {"cancelled": 0}
    assert app.api.request("DELETE", "/v2/workflows/runs").json() == {"cancelled": 1}

    assert app.api.post("/v2/notify/paid").json() == []
    states = app.api.get("/v2/logs", params={"messageId": message_id}).json()["logs"]
    assert states[0]["state"] == "CANCELLED"
    assert app.log("wfr_1")["workflowState"] == "RUN_CANCELED"


def test_redacted_payloads_and_results_are_not_listed(
    app: WorkflowApp, eventually: Eventually
) -> None:
    app.trigger("wfr_1", "secret payload", Upstash_Redact_Fields="body,header[X-Key]",
                Upstash_Forward_X_Key="secret key")  # fmt: skip
    eventually(lambda: app.received)
    app.step("wfr_1", result(1, "secret result"))
    eventually(lambda: len(app.received) == 2)
    path = "/v2/workflows/runs/wfr_1?cancel=false"
    app.api.request("DELETE", path, content=b'"secret response"')

    listed = app.api.get("/v2/workflows/events").text + app.api.get("/v2/logs").text

    assert "REDACTED" in listed
    assert "secret" not in listed
    # The endpoint receives everything.
    assert steps_of(app.received[1])[1]["out"] == '"secret result"'
