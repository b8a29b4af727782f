"""Commands for failed workflow runs, against the embedded server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received
from tests.commands.api_server import Responses, api_server
from tests.in_process import Qstash
from tests.sink import Sink
from tests.workflow_app import WorkflowApp, result, running_workflow, steps_of

Eventually = Callable[..., Any]


def fail_second(app: WorkflowApp, request: Received) -> int:
    run_id, done = request.header("upstash-workflow-runid"), len(steps_of(request)) - 1
    is_repaired = "repaired" in app.headers
    if done == 0:
        app.step(run_id, result(1, "done")).raise_for_status()
    elif is_repaired:
        app.api.delete(f"/v2/workflows/runs/{run_id}?cancel=false").raise_for_status()
    return 200 if done == 0 or is_repaired else 500


@pytest.fixture
def app(local: Qstash, server_url: str) -> Iterator[WorkflowApp]:
    assert local.env
    with running_workflow(server_url, submit=fail_second) as app:
        yield app


@pytest.fixture
def fail(local: Qstash, app: WorkflowApp, eventually: Eventually) -> Callable[..., str]:
    """Returns a function that fails a run with this id, and returns its DLQ id."""

    def start(run_id: str, **headers: str) -> str:
        app.trigger(run_id, "payload", Upstash_Retries="0", **headers)
        (dlq_id,) = eventually(lambda: ids(local, "--run", run_id))
        return str(dlq_id)

    return start


def repair(app: WorkflowApp) -> None:
    app.headers["repaired"] = "yes"
    app.received.clear()


def dlq(local: Qstash, *words: str, **more: Any) -> Any:
    return local("workflow", "dlq", *words, **more)


def ids(local: Qstash, *filters: str) -> list[str]:
    found: list[str] = dlq(local, "list", *filters, "-q").out.split()
    return found


def test_failed_runs_are_listed_with_their_runs_and_filtered(
    local: Qstash, app: WorkflowApp, fail: Callable[..., str]
) -> None:
    first, second = fail("wfr_1", Upstash_Label="nightly"), fail("wfr_2")

    (row, _) = dlq(local, "list", "-o", "jsonl").out.splitlines()
    assert '"workflowRunId":"wfr_1"' in row.replace(" ", "")
    assert ids(local) == [first, second]
    for words, expected in (
        (("--label", "nightly"), [first]),
        (("--run", "wfr_2"), [second]),
        (("--url", app.url), [first, second]),
        (("--url", f"{app.url}/other"), []),
        (("--until", "1h"), []),
        (("--callback-state", "failed"), []),
    ):
        assert ids(local, *words) == expected, words
    assert ids(local, "--limit", "1") == [first]
    # A failed run is not an entry of the DLQ of messages.
    assert local("dlq", "list", "-q").out == ""
    assert dlq(local, "list", "--fail-if-any").code == 1
    assert dlq(local, "list", "--run", "wfr_9", "--fail-if-any").code == 0


def test_a_failed_run_is_shown_with_the_last_response(
    local: Qstash, fail: Callable[..., str]
) -> None:
    dlq_id = fail("wfr_1")

    record, screen = dlq(local, "show", dlq_id).json, dlq(local, "show", dlq_id, tty=True).out
    run = local("workflow", "show", "wfr_1", tty=True).out

    assert (record["workflowRunId"], record["responseStatus"]) == ("wfr_1", 500)
    assert all(text in screen for text in (dlq_id, "wfr_1", "500")), screen
    assert f"qstash workflow dlq resume {dlq_id}" in run
    assert dlq(local, "show", "1-1").code == 4


def test_a_resumed_run_prints_its_new_id_and_repeats_no_finished_step(
    local: Qstash, app: WorkflowApp, fail: Callable[..., str]
) -> None:
    dlq_id = fail("wfr_1")
    repair(app)

    resumed = dlq(local, "resume", dlq_id)

    new_id = resumed.out.strip()
    assert (resumed.code, new_id.startswith("wfr_"), new_id == "wfr_1") == (0, True, False)
    assert local("workflow", "wait", new_id, "--wait-timeout", "30s").code == 0
    assert [steps_of(one) for one in app.received] == [["payload", result(1, "done")]]
    assert ids(local) == []
    assert dlq(local, "resume", dlq_id).code == 4


def test_restarted_runs_begin_again_with_other_options(
    local: Qstash, app: WorkflowApp, fail: Callable[..., str]
) -> None:
    fail("wfr_1", Upstash_Label="old")
    repair(app)

    restarted = dlq(
        local, "restart", "--label", "old", "--yes", "--set-label", "new", "--set-flow-key", "mail",
        "--rate", "50", "--retries", "1", tty=True, NO_COLOR="1",
    )  # fmt: skip

    assert (restarted.code, "Restarted 1 run" in restarted.err) == (0, True), restarted
    (new_id,) = local("workflow", "list", "--flow-key", "mail", "-q").out.split()
    assert local("workflow", "wait", new_id, "--wait-timeout", "30s").code == 0
    assert [len(steps_of(one)) for one in app.received] == [1, 2]
    assert app.log(new_id)["labels"] == ["new"]


def test_a_bulk_operation_asks_first_and_names_the_runs(
    local: Qstash, fail: Callable[..., str]
) -> None:
    failed = [fail("wfr_1"), fail("wfr_2")]

    for action in ("resume", "restart", "delete"):
        declined = dlq(local, action, "--all", tty=True, stdin=b"n\n")
        assert f"{action.capitalize()} 2 failed runs" in declined.err
        assert dlq(local, action, "--label", "x").code == 2
    assert ids(local) == failed


def test_failed_runs_are_deleted_and_their_log_stays(
    local: Qstash, fail: Callable[..., str]
) -> None:
    first, _, _ = fail("wfr_1"), fail("wfr_2"), fail("wfr_3")

    by_id = dlq(local, "delete", first, "-o", "json")
    partly = dlq(local, "delete", first, "1-1")
    rest = dlq(local, "delete", "--all", "--yes")

    assert by_id.json == {"deleted": 1}
    assert (partly.code, "none of 2 failed runs was deleted" in partly.err) == (4, True)
    assert rest.out.split() == ["2"]
    assert len(local("workflow", "list", "-q").out.split()) == 3


def test_a_failure_callback_is_sent_again(
    local: Qstash, sink: Sink, fail: Callable[..., str], eventually: Eventually
) -> None:
    sink.statuses = [500]
    dlq_id = fail("wfr_1", Upstash_Failure_Callback=sink.url, Upstash_Failure_Callback_Retries="0")
    assert eventually(lambda: ids(local, "--callback-state", "failed")) == [dlq_id]
    sink.statuses = [200]

    again = dlq(local, "retry-callback", dlq_id)

    assert again.out.split() == ["wfr_1"]
    eventually(lambda: ids(local, "--callback-state", "success"))
    assert len(sink.received) == 2
    assert dlq(local, "retry-callback", "1-1").code == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("resume",), "no run is named"),
        (("delete", "1-1", "--all"), "ids and filters cannot be combined"),
        (("restart", "1-1", "--run", "wfr_1"), "ids and filters cannot be combined"),
        (("restart", "a/b"), "not a DLQ id: 'a/b'"),
        (("list", "--callback-state", "late"), "not a state of a failure callback: 'late'"),
        (("list", "--since", "1h", "--until", "2h"), "--since is after --until"),
        (("resume", "1-1", "--retries", "x"), "--retries"),
        (("resume", "1-1", "--set-flow-key", ""), "--set-flow-key"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    qstash: Qstash, words: tuple[str, ...], message: str
) -> None:
    run = qstash("workflow", "dlq", *words, QSTASH_URL="http://127.0.0.1:9", QSTASH_TOKEN="t")

    assert run.code == 2, run
    assert message in run.err


def scripted(qstash: Qstash, responses: Responses, *words: str) -> tuple[Any, list[str]]:
    with api_server(responses=responses) as api:
        run = qstash("workflow", "dlq", *words, QSTASH_URL=api.url, QSTASH_TOKEN=DEV_USER.token)
        return run, [path for _, path, _ in api.requests]


def test_many_ids_are_sent_fifty_at_a_time(qstash: Qstash) -> None:
    sizes = iter([50, 50, 20])

    def respond() -> tuple[int, Any]:
        size = next(sizes)
        return 200, {"workflowRuns": [{"workflowRunId": f"wfr_{size}_{n}"} for n in range(size)]}

    run, paths = scripted(
        qstash,
        {("POST", "/v2/workflows/dlq/resume"): respond},
        "resume",
        *(f"{number}-1" for number in range(120)),
    )

    assert (run.code, len(run.out.split())) == (0, 120)
    assert [path.count("dlqIds=") for path in paths] == [50, 50, 20]


def test_runs_that_were_started_before_an_error_are_printed(qstash: Qstash) -> None:
    answers = iter([
        (200, {"workflowRuns": [{"workflowRunId": "wfr_a"}], "cursor": "1"}),
        (400, {"error": "no more"}),
    ])  # fmt: skip

    run, paths = scripted(
        qstash,
        {("POST", "/v2/workflows/dlq/restart"): lambda: next(answers)},
        "restart", "--all", "--yes",
    )  # fmt: skip

    assert (run.code, run.out.split(), len(paths)) == (10, ["wfr_a"], 2)
    assert "1 entry was restarted, then: " in run.err
