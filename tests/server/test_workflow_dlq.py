"""Failed workflow runs: the DLQ, resume, restart and another report."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qstash_cli.server.http.local_endpoint import Received
from tests.sink import Sink
from tests.workflow_app import WorkflowApp, quiet, result, running_workflow, steps_of

Eventually = Callable[..., Any]


class Failing:
    """An application that submits a step, and fails the next one until it is repaired."""

    def __init__(self, app: WorkflowApp) -> None:
        self.app = app
        self.is_repaired = False
        app.submit = self.submit

    def submit(self, app: WorkflowApp, request: Received) -> int:
        run_id, done = request.header("upstash-workflow-runid"), len(steps_of(request)) - 1
        if done == 0:
            app.step(run_id, result(1, "done")).raise_for_status()
        elif self.is_repaired:
            app.api.delete(f"/v2/workflows/runs/{run_id}?cancel=false").raise_for_status()
        return 200 if done == 0 or self.is_repaired else 500


@pytest.fixture
def failing(server_url: str) -> Iterator[Failing]:
    with running_workflow(server_url) as app:
        yield Failing(app)


def entries(app: WorkflowApp, **filters: str) -> list[dict[str, Any]]:
    found = app.api.get("/v2/dlq", params={"source": "workflow", **filters})
    listed: list[dict[str, Any]] = found.raise_for_status().json()["messages"]
    return listed


def fail(failing: Failing, eventually: Eventually, **headers: str) -> dict[str, Any]:
    failing.app.trigger("wfr_1", "payload", Upstash_Retries="0", **headers)
    found: list[dict[str, Any]] = eventually(lambda: entries(failing.app))
    return found[0]


def test_a_failed_run_is_listed_with_its_id_and_found_by_it(
    failing: Failing, eventually: Eventually
) -> None:
    entry = fail(failing, eventually, Upstash_Label="a")

    log = failing.app.log("wfr_1")
    assert entry["workflowRunId"] == "wfr_1"
    assert entry["workflowUrl"] == failing.app.url
    assert entry["workflowCreatedAt"] == log["workflowRunCreatedAt"]
    assert (entry["dlqId"], entry["responseStatus"]) == (log["dlqId"], 500)
    created_at = str(entry["workflowCreatedAt"])
    for name, value in (
        ("workflowRunId", "wfr_1"), ("workflowUrl", failing.app.url), ("label", "a"),
        ("workflowCreatedAt", created_at),
    ):  # fmt: skip
        assert entries(failing.app, **{name: value}) == [entry]
        assert entries(failing.app, **{name: f"{value}0"}) == []


def test_a_resumed_run_continues_where_the_failed_one_stopped(
    failing: Failing, eventually: Eventually
) -> None:
    entry = fail(failing, eventually)
    failing.is_repaired = True
    failing.app.received.clear()

    response = failing.app.api.post(
        "/v2/workflows/dlq/resume",
        params={"dlqIds": entry["dlqId"]},
        headers={"Upstash-Label": "b"},
    )

    (started,) = response.json()["workflowRuns"]
    run_id = started["workflowRunId"]
    assert run_id != "wfr_1"
    eventually(lambda: failing.app.log(run_id)["workflowState"] == "RUN_SUCCESS")
    # The step that was done is not executed again.
    assert [steps_of(one) for one in failing.app.received] == [["payload", result(1, "done")]]
    assert failing.app.log(run_id)["labels"] == ["b"]
    # The failed run cannot be resumed again.
    assert "dlqId" not in failing.app.log("wfr_1")
    assert entries(failing.app) == []


def test_a_run_that_failed_at_once_is_resumed_with_new_retries_and_flow_control(
    failing: Failing, eventually: Eventually
) -> None:
    failing.app.submit = quiet
    failing.app.status = 500
    entry = fail(failing, eventually, Upstash_Flow_Control_Key="old",
                 Upstash_Flow_Control_Value="rate=5")  # fmt: skip

    started = failing.app.api.post(
        f"/v2/workflows/dlq/resume/{entry['dlqId']}",
        headers={
            "Upstash-Retries": "5",
            "Upstash-Flow-Control-Key": "new",
            "Upstash-Flow-Control-Value": "parallelism=3",
        },
    ).json()

    def retried() -> dict[str, Any] | None:
        step = failing.app.log(started["workflowRunId"])["steps"][-1]["steps"][0]
        return step if step["state"] == "STEP_RETRY" else None

    assert eventually(retried)["retries"] == 5
    logged = failing.app.api.get("/v2/logs", params={"flowControlKey": "new"}).json()["logs"]
    assert logged[0]["parallelism"] == 3
    assert "rate" not in logged[0]


def test_a_resumed_run_repeats_a_call_that_has_no_result(
    failing: Failing, sink: Sink, eventually: Eventually
) -> None:
    def submit(app: WorkflowApp, request: Received) -> int:
        run_id = request.header("upstash-workflow-runid")
        delay = "0s" if failing.is_repaired else "1h"
        app.call(run_id, 1, sink.url, Upstash_Delay=delay).raise_for_status()
        return 200 if failing.is_repaired else 500

    failing.app.submit = submit
    entry = fail(failing, eventually)
    failing.is_repaired = True

    failing.app.api.post(f"/v2/workflows/dlq/resume/{entry['dlqId']}").raise_for_status()

    eventually(lambda: sink.received)


def test_a_resumed_run_repeats_only_the_calls_that_have_no_result(
    failing: Failing, sink: Sink, eventually: Eventually
) -> None:
    both_are_submitted = threading.Event()

    def submit(app: WorkflowApp, request: Received) -> int:
        run_id = request.header("upstash-workflow-runid")
        last = json.loads(request.body)[-1]
        if last["callType"] == "fromCallback":
            # A run that has failed accepts no further call.
            both_are_submitted.wait(60)
            return 200 if failing.is_repaired else 500
        steps = steps_of(request)[1:]
        if not steps:
            for step_id in (1, 2):
                plan = result(0, None, concurrent=2, targetStep=step_id, stepType="Call")
                app.step(run_id, plan).raise_for_status()
            return 200
        step_id = steps[-1]["targetStep"]
        is_late = step_id == 2 and not failing.is_repaired
        app.call(
            run_id, step_id, sink.url, f"call {step_id}",
            Upstash_Delay="1h" if is_late else "0s",
        ).raise_for_status()  # fmt: skip
        if step_id == 2:
            both_are_submitted.set()
        return 200

    failing.app.submit = submit
    entry = fail(failing, eventually)
    failing.is_repaired = True

    failing.app.api.post(f"/v2/workflows/dlq/resume/{entry['dlqId']}").raise_for_status()

    eventually(lambda: len(sink.received) == 2)
    assert [one.body for one in sink.received] == [b"call 1", b"call 2"]


def test_a_restarted_run_begins_with_the_payload(failing: Failing, eventually: Eventually) -> None:
    entry = fail(failing, eventually)
    failing.is_repaired = True
    failing.app.received.clear()

    started = failing.app.api.post(f"/v2/workflows/dlq/restart/{entry['dlqId']}").json()

    eventually(lambda: failing.app.log(started["workflowRunId"])["workflowState"] == "RUN_SUCCESS")
    assert [len(steps_of(one)) for one in failing.app.received] == [1, 2]


def test_resume_refuses_an_invalid_count_and_accepts_an_id_that_is_repeated(
    failing: Failing, eventually: Eventually
) -> None:
    entry = fail(failing, eventually)
    path, ids = "/v2/workflows/dlq/resume", f"{entry['dlqId']},{entry['dlqId']}"

    assert failing.app.api.post(path, params={"count": "²"}).status_code == 400
    assert len(failing.app.api.post(path, params={"dlqIds": ids}).json()["workflowRuns"]) == 1


def test_a_report_that_fails_can_be_sent_again(
    failing: Failing, sink: Sink, eventually: Eventually
) -> None:
    sink.statuses = [500]
    entry = fail(
        failing, eventually, Upstash_Failure_Callback=sink.url,
        Upstash_Failure_Callback_Retries="0",
    )  # fmt: skip
    failed = {"failureFunctionState": "CALLBACK_FAIL"}
    (listed,) = eventually(lambda: entries(failing.app, **failed))
    assert listed["failureCallbackInfo"]["responseStatus"] == 500
    sink.statuses = [200]

    again = failing.app.api.post(f"/v2/workflows/dlq/callback/{entry['dlqId']}")

    assert again.json()["workflowRunId"] == "wfr_1"
    eventually(lambda: entries(failing.app, failureFunctionState="CALLBACK_SUCCESS"))
    first, second = sink.received
    assert first.body == second.body


def test_an_entry_is_deleted_once(failing: Failing, eventually: Eventually) -> None:
    entry = fail(failing, eventually)
    url = f"/v2/workflows/dlq/{entry['dlqId']}"

    assert failing.app.api.get(url).json()["workflowRunId"] == "wfr_1"
    assert failing.app.api.post(f"/v2/dlq/retry/{entry['dlqId']}").status_code == 404
    assert failing.app.api.delete(url).status_code == 200
    assert failing.app.api.delete(url).status_code == 404
    assert failing.app.api.request("DELETE", "/v2/workflows/dlq").json() == {"deleted": 0}
    response = failing.app.api.post("/v2/workflows/dlq/resume", params={"dlqIds": entry["dlqId"]})
    assert response.status_code == 404
