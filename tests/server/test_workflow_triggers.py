"""Triggers without an SDK, and lists and cancels of runs by filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qstash_cli.protocol import workflow
from qstash_cli.server.http.local_endpoint import Received
from qstash_cli.server.run import ServerConfig, running_server
from tests.workflow_app import WorkflowApp, quiet, result, running_workflow, steps_of

Eventually = Callable[..., Any]


@pytest.fixture
def app(server_url: str) -> Iterator[WorkflowApp]:
    with running_workflow(server_url, submit=quiet) as app:
        yield app


def test_a_trigger_without_an_sdk_starts_a_run(app: WorkflowApp, eventually: Eventually) -> None:
    headers = {"Upstash-Forward-X-User": "me", "Upstash-Label": "a"}

    started = app.api.post(f"/v2/trigger/{app.url}/path?x=1", content="payload", headers=headers)
    (received,) = eventually(lambda: app.received)

    found = started.json()
    log = app.log(found["workflowRunId"])
    assert found["workflowRunId"].startswith("wfr_")
    assert found["workflowCreatedAt"] == log["workflowRunCreatedAt"]
    assert log["workflowUrl"] == f"{app.url}/path?x=1"
    assert steps_of(received) == ["payload"]
    assert received.header("upstash-workflow-sdk-version") == "1"
    assert (received.header("x-user"), received.header("upstash-label")) == ("me", "a")


def test_a_batch_of_triggers_is_all_or_nothing(app: WorkflowApp) -> None:
    good = {"destination": app.url, "headers": {"Upstash-Workflow-RunId": "wfr_1"}, "body": "x"}

    refused = app.api.post("/v2/batch/trigger", json=[good, {"destination": "group"}])
    assert refused.status_code == 400
    assert app.api.get("/v2/workflows/logs").json()["runs"] == []

    first, second = app.api.post("/v2/batch/trigger", json=[good, good]).json()
    assert first["workflowRunId"] == second["workflowRunId"] == "wfr_1"
    assert second["deduplicated"] is True


def test_an_endpoint_that_is_no_workflow_fails_the_run_of_a_trigger(
    app: WorkflowApp, eventually: Eventually
) -> None:
    app.headers = {}

    run_id = app.api.post(f"/v2/trigger/{app.url}").json()["workflowRunId"]
    eventually(lambda: app.log(run_id)["workflowState"] == "RUN_FAILED")

    (error,) = app.log(run_id)["steps"][1]["steps"][0]["errors"]
    assert error["error"].startswith("trigger rest api is only usable with sdk versions after")


def test_an_unknown_sdk_starts_the_run_itself_once(
    app: WorkflowApp, eventually: Eventually
) -> None:
    unknown = {"Upstash-Workflow-Unknown-Sdk": "true", "Upstash-Retries": "5"}
    run_id = app.api.post(f"/v2/trigger/{app.url}", content="p", headers=unknown).json()[
        "workflowRunId"
    ]
    (first,) = eventually(lambda: app.received)
    assert first.header("upstash-workflow-unknown-sdk") == "true"

    by_sdk = {"Upstash_Workflow_Trigger_By_Sdk": "true", "Upstash_Forward_X_Phase": "2"}
    for _ in range(2):
        response = app.trigger(run_id, "ignored", **by_sdk)
    eventually(lambda: len(app.received) == 2)

    assert response.json()[0]["deduplicated"] is True
    second = app.received[1]
    assert steps_of(second) == ["p"]
    assert second.header("x-phase") == "2"
    assert not second.header("upstash-workflow-unknown-sdk")
    app.step(run_id, result(1, "x"))
    eventually(lambda: len(app.received) == 3)
    assert len(app.api.get("/v2/workflows/logs").json()["runs"]) == 1


def test_runs_are_listed_by_filter_and_in_pages(app: WorkflowApp) -> None:
    for number in range(3):
        later = {"Upstash_Label": f"label-{number},all", "Upstash_Delay": "1h"}
        app.trigger(f"wfr_{number}", **later)
    app.api.delete("/v2/workflows/runs/wfr_0?cancel=true")

    def ids(**filters: str) -> list[str]:
        found = app.api.get("/v2/workflows/events", params=filters).raise_for_status().json()
        return [run["workflowRunId"] for run in found["runs"]]

    assert ids() == ["wfr_2", "wfr_1", "wfr_0"]
    assert ids(order="earliestFirst") == ["wfr_0", "wfr_1", "wfr_2"]
    assert ids(state="RUN_CANCELED") == ["wfr_0"]
    assert ids(label="label-1") == ["wfr_1"]
    assert ids(workflowUrl=app.url, label="all,none") == ["wfr_2", "wfr_1", "wfr_0"]
    assert ids(workflowUrl=app.url[:-1]) == []
    assert ids(host="127.0.0.1", path="/", groupBy="workflowRunId") == ["wfr_2", "wfr_1", "wfr_0"]
    created_at = str(app.log("wfr_1")["workflowRunCreatedAt"])
    assert "wfr_1" in ids(workflowCreatedAt=created_at, fromDate=created_at, toDate=created_at)
    page = app.api.get("/v2/workflows/events", params={"count": 2}).json()
    assert ids(count="2", cursor=page["cursor"]) == ["wfr_0"]
    assert app.api.get("/v2/workflows/events", params={"count": 3}).json().get("cursor") is None
    for wrong in ({"groupBy": "x"}, {"unknown": "x"}, {"cursor": "x"}, {"label": ""}):
        assert app.api.get("/v2/workflows/events", params=wrong).status_code == 400


def test_runs_are_cancelled_by_filter(app: WorkflowApp) -> None:
    for number, label in enumerate(("a", "b", "a,b", "c")):
        app.trigger(f"wfr_{number}", Upstash_Label=label, Upstash_Delay="1h")

    def cancel(**filters: str) -> int:
        response = app.api.request("DELETE", "/v2/workflows/runs", params=filters)
        cancelled: int = response.raise_for_status().json()["cancelled"]
        return cancelled

    assert cancel(workflowUrl=app.url[:-1], workflowUrlExactMatch="true") == 0
    assert cancel(workflowRunIds="wfr_0,wfr_9") == 1
    assert cancel(label="a") == 1
    assert cancel(workflowUrl=app.url[:-1], label="b", count="1") == 1
    assert cancel() == 1
    assert cancel() == 0


def test_a_run_that_becomes_too_large_is_refused_with_a_status_that_ends_it(
    app: WorkflowApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "MAX_RUN_BYTES", 10_000)
    app.trigger("wfr_1", Upstash_Delay="1h")

    statuses = [app.step("wfr_1", result(n, "x" * 3000)).status_code for n in range(1, 5)]
    events = [app.api.post("/v2/notify/wfr_1/e", content=b"").status_code for _ in range(20)]

    # The SDK gives up on 412.
    assert statuses == [200, 200, 200, 412]
    assert events[-1] == 412


def test_an_event_that_was_received_is_counted_once_for_the_size_of_its_run(
    app: WorkflowApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "MAX_RUN_BYTES", 6000)
    app.trigger("wfr_1", Upstash_Delay="1h")

    statuses = []
    for step_id in (1, 2, 3):
        statuses.append(app.api.post("/v2/notify/wfr_1/e", content=b"x" * 1000).status_code)
        step = {"stepId": step_id, "stepName": "wait", "stepType": "Wait"}
        body = {"url": app.url, "timeout": "1h", "step": step}
        headers = app.step_headers("wfr_1")
        statuses.append(app.api.post("/v2/wait/e", headers=headers, json=body).status_code)

    assert statuses == [200] * 6


def test_hostile_requests_of_workflows_are_refused(app: WorkflowApp) -> None:
    app.trigger("wfr_1", Upstash_Delay="1h")
    deep, headers = b"[" * 100_000, app.step_headers("wfr_1")
    step = {"stepId": 1, "stepName": "x", "stepType": "Wait"}
    init = {"Upstash-Workflow-Init": "true"}
    invoke = headers | init | {"Upstash-Workflow-RunId": "wfr_2", "Upstash-Workflow-Invoke": "true"}
    to_callback = headers | {"Upstash-Workflow-CallType": "toCallback"}
    waits: list[object] = [
        None, {}, {"url": app.url}, {"url": "x", "step": step}, {"url": 1, "step": step},
        {"url": app.url, "step": step, "timeout": "x"},
        {"url": app.url, "step": step, "timeout": "9" * 30},
        {"url": app.url, "step": step | {"targetStep": "x"}},
    ]  # fmt: skip
    responses = [
        *(app.api.post("/v2/wait/e", json=one, headers=headers) for one in waits),
        app.api.post("/v2/wait/e", content=deep, headers=headers),
        app.api.post("/v2/wait/", json={}, headers=headers),
        app.api.post("/v2/notify/", content=b""),
        app.api.post("/v2/notify//e", content=b""),
        app.api.post(f"/v2/publish/{app.url}", content=deep, headers=invoke),
        app.api.post(f"/v2/publish/{app.url}", json={"step": step}, headers=invoke),
        app.api.post(f"/v2/publish/{app.url}", json={"step": []}, headers=invoke),
        app.api.post(f"/v2/publish/{app.url}", content=b"x", headers=to_callback),
        *(
            app.batch([{"destination": app.url, "headers": init | {"Upstash-Workflow-RunId": one}}])
            for one in ("a b", "a" * 999)
        ),
        app.api.post("/v2/workflows/dlq/resume", params={"dlqIds": "x"}),
        app.api.post("/v2/workflows/dlq/callback/x"),
        app.api.get("/v2/workflows/unknown/x%0Ay"),
        app.api.post("/v2/trigger/group"),
    ]  # fmt: skip

    assert {one.status_code for one in responses} <= {400, 404, 413, 422, 501}, [
        (one.request.url, one.status_code, one.text) for one in responses
    ]
    assert all(one.json()["error"] for one in responses)
    assert len(app.api.get("/v2/workflows/logs").json()["runs"]) == 1


def test_a_run_is_moved_through_time_by_hand(eventually: Eventually) -> None:
    def submit(app: WorkflowApp, request: Received) -> None:
        done = len(steps_of(request))
        if done < 3:
            sleep = result(done, None, stepType="SleepFor")
            app.step("wfr_1", sleep, Upstash_Delay="1d").raise_for_status()
        else:
            app.api.delete("/v2/workflows/runs/wfr_1?cancel=false").raise_for_status()

    config = ServerConfig(port=0, speed=0, has_console=True)
    with running_server(config) as url, running_workflow(url, submit=submit) as app:
        app.trigger("wfr_1")
        eventually(lambda: len(app.received) == 1)

        moved = app.api.post("/console/api/clock", json={"advance": "3d"})

        log = app.log("wfr_1")
        assert moved.is_success, moved.text
        assert log["workflowState"] == "RUN_SUCCESS"
        days = (log["workflowRunCompletedAt"] - log["workflowRunCreatedAt"]) / 86_400_000
        assert days == pytest.approx(2, abs=0.001)
