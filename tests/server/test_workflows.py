"""Workflow runs on the embedded server, with an endpoint that behaves as the SDK does."""

from __future__ import annotations

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qstash_cli.protocol.limits import PLANS
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.sink import Sink
from tests.workflow_app import WorkflowApp, quiet, result, running_workflow, steps_of

Eventually = Callable[..., Any]


@pytest.fixture
def app(server_url: str) -> Iterator[WorkflowApp]:
    with running_workflow(server_url) as app:
        yield app


def ended(app: WorkflowApp, run_id: str) -> dict[str, Any] | None:
    log = app.log(run_id)
    return None if log["workflowState"] == "RUN_STARTED" else log


def test_each_step_is_delivered_with_all_steps_before_it(
    app: WorkflowApp, eventually: Eventually
) -> None:
    app.total = 2

    response = app.trigger("wfr_1", "päyload")
    log = eventually(lambda: ended(app, "wfr_1"))

    assert response.status_code == 200
    assert response.json()[0]["messageId"].startswith("msg_")
    assert [steps_of(one) for one in app.received] == [
        ["päyload"],
        ["päyload", result(1, "result 1")],
        ["päyload", result(1, "result 1"), result(2, "result 2")],
    ]
    for one in app.received:
        assert one.header("upstash-workflow-runid") == "wfr_1"
        assert one.header("upstash-workflow-createdat") == str(log["workflowRunCreatedAt"])
        assert one.header("upstash-workflow-sdk-version") == "1"
    assert log["workflowState"] == "RUN_SUCCESS"
    assert log["workflowRunResponse"] == '"done"'


def test_the_settings_of_the_trigger_apply_to_all_steps(
    app: WorkflowApp, eventually: Eventually
) -> None:
    app.total = 1
    settings = {
        "Upstash_Retries": "7", "Upstash_Label": "a,b", "Upstash_Forward_X_User": "me",
        "Upstash_Flow_Control_Key": "k", "Upstash_Flow_Control_Value": "parallelism=5",
        "Content_Type": "text/plain",
    }  # fmt: skip

    app.trigger("wfr_1", **settings)
    filters = {"label": "a", "state": "DELIVERED"}

    def delivered() -> list[Any]:
        found: list[Any] = app.api.get("/v2/logs", params=filters).json()["logs"]
        return found if len(found) == 2 else []

    entries = eventually(delivered)
    for entry in entries:
        assert (entry["maxRetries"], entry["flowControlKey"]) == (7, "k")
        assert entry["labels"] == ["a", "b"]
    assert [one.header("x-user") for one in app.received] == ["me", "me"]
    assert [one.header("upstash-label") for one in app.received] == ["a,b", "a,b"]


def test_a_run_id_is_used_once_at_a_time(app: WorkflowApp) -> None:
    first = app.trigger("wfr_1", Upstash_Delay="1h").json()[0]
    second = app.trigger("wfr_1", Upstash_Delay="1h").json()[0]

    assert second == {"messageId": first["messageId"], "deduplicated": True}
    assert app.api.delete("/v2/workflows/runs/wfr_1?cancel=true").status_code == 200
    assert "deduplicated" not in app.trigger("wfr_1").json()[0]
    states = [
        run["workflowState"]
        for run in app.api.get("/v2/workflows/logs", params={"workflowRunId": "wfr_1"}).json()[
            "runs"
        ]
    ]
    assert len(states) == 2
    assert states[1] == "RUN_CANCELED"


def test_a_step_that_is_submitted_again_is_used_once(
    app: WorkflowApp, eventually: Eventually
) -> None:
    app.submit = quiet
    app.trigger("wfr_1")
    eventually(lambda: app.received)

    first = app.step("wfr_1", result(1, "first")).json()[0]
    second = app.step("wfr_1", result(1, "second")).json()[0]

    assert second == {"messageId": first["messageId"], "deduplicated": True}
    eventually(lambda: len(app.received) == 2)
    steps = app.api.get("/v2/workflows/runs/wfr_1").json()
    assert [one["callType"] for one in steps] == ["step", "step"]
    assert steps[1]["body"] == b64encode(json.dumps(result(1, "first")).encode()).decode()


def test_steps_of_a_run_that_has_ended_are_refused_and_logged(
    app: WorkflowApp, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    app.trigger("wfr_1", Upstash_Delay="1h")
    app.api.delete("/v2/workflows/runs/wfr_1?cancel=true")

    with caplog.at_level(logging.WARNING, "qstash_cli.server"):
        refused = app.batch(
            [
                {"destination": sink.url},
                {
                    "destination": app.url,
                    "headers": app.step_headers("wfr_1"),
                    "body": json.dumps(result(1, 1)),
                },
            ]
        )

    assert (refused.status_code, refused.json()["error"]) == (
        400, "workflow run wfr_1 has ended or does not exist",
    )  # fmt: skip
    assert "refused a step: workflow run 'wfr_1' has ended or does not exist" in caplog.messages
    # The whole batch is refused.
    assert sink.received == []
    assert app.api.get("/v2/logs", params={"url": sink.url}).json()["logs"] == []
    assert app.api.get("/v2/workflows/runs/wfr_1").status_code == 404
    assert app.api.delete("/v2/workflows/runs/wfr_1?cancel=false").status_code == 404


def test_an_end_is_accepted_again_and_changes_nothing(app: WorkflowApp) -> None:
    app.trigger("wfr_1", Upstash_Delay="1h")

    def end(content: bytes, query: str = "cancel=false", **headers: str) -> int:
        path = f"/v2/workflows/runs/wfr_1?{query}"
        return app.api.request("DELETE", path, content=content, headers=headers).status_code

    assert [end(b'"first"'), end(b'"second"')] == [200, 200]

    log = app.log("wfr_1")
    assert (log["workflowState"], log["workflowRunResponse"]) == ("RUN_SUCCESS", '"first"')
    named = {"Upstash-Workflow-RunId": "wfr_1"}
    created_at = str(log["workflowRunCreatedAt"])
    assert end(b"", **named, **{"Upstash-Workflow-CreatedAt": created_at}) == 200
    # The time of another run with this id.
    assert end(b"", **named, **{"Upstash-Workflow-CreatedAt": "1"}) == 404
    assert end(b"", "cancel=true") == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("{", "the step is not JSON"), ("[]", "the step is not an object"),
        ('{"stepId":"1"}', "no valid stepId"), ('{"stepId":1}', "no valid stepName"),
        ("[" * 100_000, "the step is not JSON"),
    ],
)  # fmt: skip
def test_a_step_that_is_not_valid_is_not_taken_for_a_cancel(
    app: WorkflowApp, body: str, error: str
) -> None:
    app.trigger("wfr_1", Upstash_Delay="1h")
    item = {"destination": app.url, "headers": app.step_headers("wfr_1"), "body": body}

    refused = app.batch([item])

    # The SDK ignores 400.
    assert refused.status_code == 422
    assert error in refused.json()["error"]


def test_steps_that_are_too_long_are_requested(app: WorkflowApp, eventually: Eventually) -> None:
    app.submit = quiet
    app.trigger("wfr_1", "x" * 800_000)

    eventually(lambda: app.received)

    assert app.received[0].body == b""
    (step,) = app.api.get("/v2/workflows/runs/wfr_1").json()
    assert step["messageId"] == app.received[0].header("upstash-message-id")
    assert step["body"] == b64encode(b"x" * 800_000).decode()


def test_a_failing_step_ends_the_run_and_is_reported(
    app: WorkflowApp, sink: Sink, eventually: Eventually
) -> None:
    app.status = 500
    app.headers |= {"Upstash-Error-Step-Name": "charge"}
    settings = {
        "Upstash_Retries": "0", "Upstash_Failure_Callback": sink.url,
        "Upstash_Failure_Callback_Forward_Upstash_Workflow_Is_Failure": "true",
        "Upstash_Failure_Callback_Forward_X_User": "me", "Upstash_Label": "a",
    }  # fmt: skip

    app.trigger("wfr_1", "payload", **settings)
    log = eventually(lambda: ended(app, "wfr_1"))
    (received,) = eventually(lambda: sink.received)

    assert log["workflowState"] == "RUN_FAILED"
    assert log["steps"][-1]["steps"][0]["stepName"] == "charge"
    report = json.loads(received.body)
    assert report["status"] == 500
    assert report["workflowRunId"] == "wfr_1"
    assert report["workflowCreatedAt"] == log["workflowRunCreatedAt"]
    assert report["sourceBody"] == b64encode(b"payload").decode()
    assert received.header("upstash-workflow-is-failure") == "true"
    assert received.header("upstash-workflow-runid") == "wfr_1"
    assert received.header("x-user") == "me"
    assert not received.header("upstash-workflow-sdk-version")
    # A failed run is in the DLQ of workflows only.
    assert app.api.get("/v2/dlq").json()["messages"] == []


def test_a_response_without_the_version_of_the_sdk_is_an_error(
    app: WorkflowApp, eventually: Eventually
) -> None:
    app.submit, app.headers = quiet, {}

    app.trigger("wfr_1")
    log = eventually(lambda: ended(app, "wfr_1"))

    assert log["workflowState"] == "RUN_FAILED"
    (error,) = log["steps"][1]["steps"][0]["errors"]
    assert error["error"].startswith("detected a non-workflow destination for trigger/invoke")
    assert (error["status"], error["body"]) == (200, "{}")


def test_a_call_reaches_the_third_party_without_workflow_headers(
    app: WorkflowApp, sink: Sink, eventually: Eventually
) -> None:
    app.submit = quiet
    app.trigger("wfr_1", Upstash_Forward_X_User="me")
    eventually(lambda: app.received)
    sink.statuses = [404]

    app.call("wfr_1", 1, sink.url, {"a": "ü"}, Upstash_Forward_X_Call="yes")
    eventually(lambda: len(app.received) == 2)

    (call,) = sink.received
    assert call.body.decode() == '{"a":"ü"}'
    assert call.header("x-call") == "yes"
    assert not [name for name, _ in call.headers if name.startswith("upstash-workflow")]
    returned = app.received[1]
    (step,) = json.loads(returned.body)
    assert step["callType"] == "fromCallback"
    assert json.loads(steps_of(returned)[0])["status"] == 404
    assert returned.header("upstash-workflow-stepid") == "1"
    assert returned.header("upstash-workflow-runid") == "wfr_1"
    assert returned.header("x-user") == "me"
    # A failed call is a result, not a failure.
    assert app.api.get("/v2/dlq").json()["messages"] == []
    assert app.log("wfr_1")["workflowState"] == "RUN_STARTED"


@pytest.mark.parametrize("way", ["schedule", "cron", "group"])
def test_workflow_headers_are_refused_where_they_are_not_supported(
    app: WorkflowApp, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    header, cron = {"Upstash-Workflow-Init": "true"}, {"Upstash-Cron": "* * * * *"}
    app.api.post("/v2/topics/g/endpoints", json={"endpoints": [{"url": app.url}]})
    requests: dict[str, tuple[str, dict[str, str]]] = {
        "schedule": (f"schedules/{app.url}", header | cron),
        "cron": (f"publish/{app.url}", header | cron),
        "group": ("publish/g", header),
    }
    path, headers = requests[way]

    with caplog.at_level(logging.WARNING, "qstash_cli.server"):
        refused = app.api.post(f"/v2/{path}", headers=headers)

    assert refused.status_code == 501
    assert refused.json()["error"].startswith("workflow headers are not supported")
    assert any("refused a message with 'upstash-workflow-init'" in one for one in caplog.messages)


def test_a_webhook_needs_no_token_and_wakes_its_run(
    app: WorkflowApp, eventually: Eventually
) -> None:
    app.submit = quiet
    app.trigger("wfr_1")
    eventually(lambda: app.received)
    hook = f"{app.api.base_url}/v2/workflows/hooks/defaultUser/wfr_1/evt_1"
    # The first call comes before anything waits for it.
    assert plain_http.put(hook, content=b"first").status_code == 200

    waited = app.api.post(
        "/v2/wait/evt_1",
        headers=app.step_headers("wfr_1"),
        json={"url": app.url, "timeout": "1h", "step": result(1, None) | {"out": None}},
    )
    eventually(lambda: len(app.received) == 2)

    assert waited.status_code == 200
    event = json.loads(b64decode(steps_of(app.received[1])[1]["out"]))
    assert (event["method"], event["body"]) == ("PUT", b64encode(b"first").decode())
    assert plain_http.post(hook.replace("wfr_1", "wfr_2")).status_code == 404
    assert plain_http.post(hook.replace("defaultUser", "x")).status_code == 401


def test_headers_that_only_mention_workflows_are_accepted(
    app: WorkflowApp, sink: Sink, eventually: Eventually
) -> None:
    app.api.post(f"/v2/publish/{sink.url}", headers={"Upstash-Forward-Workflow": "x"})

    eventually(lambda: sink.received)
    assert sink.received[0].header("workflow") == "x"


def test_the_runs_of_a_queue_take_turns(app: WorkflowApp, eventually: Eventually) -> None:
    app.total = 2
    # Nothing is delivered before both runs are in the queue.
    app.api.post("/v2/queues", json={"queueName": "q", "paused": True}).raise_for_status()
    for number in (1, 2):
        headers = app.step_headers(f"wfr_{number}") | {"Upstash-Workflow-Init": "true"}
        path = f"/v2/enqueue/q/{app.url}"
        app.api.post(path, content=b"x", headers=headers).raise_for_status()
    app.api.post("/v2/queues/q/resume").raise_for_status()

    for number in (1, 2):
        eventually(lambda: ended(app, f"wfr_{number}"))  # noqa: B023 - called immediately

    runs = [one.header("upstash-workflow-runid") for one in app.received]
    assert runs == ["wfr_1", "wfr_2"] * 3


def test_the_limits_of_a_plan_apply_to_runs() -> None:
    config = ServerConfig(port=0, limits=PLANS["free"])
    with running_server(config) as url, running_workflow(url, submit=quiet) as app:
        too_many = app.trigger("wfr_1", Upstash_Retries="4")
        app.trigger("wfr_2", Upstash_Delay="1d").raise_for_status()
        too_large = app.step("wfr_2", result(1, "x" * 1_048_576))
        body = {"url": app.url, "timeout": "8d", "step": result(1, None)}
        too_long = app.api.post("/v2/wait/e", json=body, headers=app.step_headers("wfr_2"))

    for refused, name in ((too_many, "Retries"), (too_large, "MessageSize"), (too_long, "Delay")):
        assert refused.status_code == 412
        assert refused.json()["error"].startswith(f"quota max{name} exceeded")
