"""Commands for workflow runs, against the embedded server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.commands.api_server import api_server
from tests.in_process import Qstash
from tests.workflow_app import WorkflowApp, quiet, result, running_workflow

Eventually = Callable[..., Any]


@pytest.fixture
def app(local: Qstash, server_url: str) -> Iterator[WorkflowApp]:
    assert local.env
    with running_workflow(server_url, submit=quiet) as app:
        yield app


def started(app: WorkflowApp, eventually: Eventually, run_id: str, **headers: str) -> None:
    count = len(app.received)
    app.trigger(run_id, '{"user":"ada"}', **headers)
    eventually(lambda: len(app.received) > count)


def wait_for_event(app: WorkflowApp, run_id: str, event: str) -> None:
    step = {"stepId": 1, "stepName": "approval", "stepType": "Wait", "concurrent": 1}
    body = {"url": app.url, "timeout": "1h", "timeoutUrl": app.url, "step": step}
    app.api.post(
        f"/v2/wait/{event}", headers=app.step_headers(run_id), json=body
    ).raise_for_status()


def end(app: WorkflowApp, run_id: str) -> None:
    path = f"/v2/workflows/runs/{run_id}?cancel=false"
    app.api.request("DELETE", path, content=b'{"ok":true}').raise_for_status()


def test_runs_are_listed_by_state_and_label(
    local: Qstash, app: WorkflowApp, eventually: Eventually
) -> None:
    started(app, eventually, "wfr_old", Upstash_Label="nightly")
    end(app, "wfr_old")
    started(app, eventually, "wfr_new")

    assert local("workflow", "list", "-q").out.split() == ["wfr_new", "wfr_old"]
    assert local("workflow", "list", "--state", "success", "-q").out.split() == ["wfr_old"]
    assert local("workflow", "list", "--label", "nightly", "-q").out.split() == ["wfr_old"]
    assert local("workflow", "list", "--url", "http://other", "-q").out == ""
    message_id = app.received[0].header("upstash-message-id")
    host = urlsplit(app.url).hostname or ""
    for words, expected in (
        (("--run", "wfr_old"), ["wfr_old"]),
        (("--message", message_id), ["wfr_old"]),
        (("--url", app.url, "--since", "1h"), ["wfr_new", "wfr_old"]),
        (("--host", host), ["wfr_new", "wfr_old"]),
        (("--host", "example.com"), []),
        (("--path", "/other"), []),
        (("--until", "1h"), []),
    ):
        assert local("workflow", "list", *words, "-q").out.split() == expected, words
    assert local("workflow", "list", "--path", "other").code == 2
    limited = local("workflow", "list", "--limit", "1", tty=True)
    assert "wfr_new" in limited.out
    assert "wfr_old" not in limited.out
    assert "use --all for the rest" in limited.out + limited.err
    assert local("workflow", "list", "--state", "sleeping").code == 2


def test_a_run_is_shown_with_its_steps(
    local: Qstash, app: WorkflowApp, eventually: Eventually
) -> None:
    started(app, eventually, "wfr_1")
    app.step("wfr_1", result(1, "charged \x1b[2Jcard", stepName="charge"))
    eventually(lambda: len(app.received) == 2)
    end(app, "wfr_1")

    screen = local("workflow", "show", "wfr_1", tty=True).out
    record = local("workflow", "show", "wfr_1").json

    assert "success" in screen.splitlines()[0]
    assert any("charge" in line and "success" in line for line in screen.splitlines())
    assert '"ok": true' in screen
    assert "\x1b[2J" not in screen
    assert record["steps"][1]["steps"][0]["stepName"] == "charge"
    missing = local("workflow", "show", "wfr_2")
    assert (missing.code, "no workflow run has the id wfr_2" in missing.err) == (4, True)


def test_a_wait_exits_by_how_the_run_has_ended(
    local: Qstash, app: WorkflowApp, eventually: Eventually
) -> None:
    for run_id in ("wfr_ended", "wfr_cancelled", "wfr_live"):
        started(app, eventually, run_id)
    app.status = 489
    app.headers |= {"Upstash-NonRetryable-Error": "true"}
    started(app, eventually, "wfr_failed")
    end(app, "wfr_ended")
    local("workflow", "cancel", "wfr_cancelled")

    codes = {
        run_id: local("workflow", "wait", f"wfr_{run_id}", "--wait-timeout", timeout).code
        for run_id, timeout in (
            ("ended", "30s"), ("cancelled", "30s"), ("failed", "30s"), ("live", "1s"),
        )
    }  # fmt: skip

    assert codes == {"ended": 0, "cancelled": 8, "failed": 8, "live": 124}
    assert "Failure" in local("workflow", "show", "wfr_failed", tty=True).out


def test_runs_are_cancelled_by_id_and_by_url(
    local: Qstash, app: WorkflowApp, eventually: Eventually
) -> None:
    for run_id in ("wfr_1", "wfr_2", "wfr_3"):
        started(app, eventually, run_id)

    partly = local("workflow", "cancel", "wfr_1", "wfr_9")
    declined = local("workflow", "cancel", "--url", app.url, tty=True, stdin=b"n\n")
    other = local("workflow", "cancel", "--url", "http://other", "--yes")
    rest = local("workflow", "cancel", "--url", app.url, "--yes", "-o", "json")

    assert partly.code == 10
    assert "1 of 2 runs was cancelled" in partly.err
    assert "Cancel 2 workflow runs (URL" in declined.err
    assert other.out.split()[-1] == "0"
    assert rest.json == {"cancelled": 2}
    assert local("workflow", "cancel", "wfr_1").code == 4
    for wrong in ((), ("wfr_1", "--all"), ("--all", "--url", app.url)):
        assert local("workflow", "cancel", *wrong, "--yes").code == 2


def test_more_runs_than_one_request_cancels_are_all_cancelled(qstash: Qstash) -> None:
    qstash.env["QSTASH_TOKEN"] = DEV_USER.token
    counts = iter([100, 100, 17])

    def respond() -> tuple[int, Any]:
        return 200, {"cancelled": next(counts)}

    with api_server(responses={("DELETE", "/v2/workflows/runs"): respond}) as api:
        run = qstash("workflow", "cancel", "--all", "--yes", "-o", "json", QSTASH_URL=api.url)

    assert run.json == {"cancelled": 217}


def test_all_pages_of_a_long_list_of_runs_are_read(qstash: Qstash) -> None:
    qstash.env["QSTASH_TOKEN"] = DEV_USER.token
    run = {
        "workflowUrl": "https://example.com/onboard", "workflowState": "RUN_STARTED",
        "workflowRunCreatedAt": 1, "steps": [{"steps": [{"stepName": "init"}]}],
    }  # fmt: skip
    pages = iter([
        {"runs": [run | {"workflowRunId": f"wfr_{n}"} for n in range(100)], "cursor": "100"},
        {"runs": [run | {"workflowRunId": "wfr_last"}], "cursor": None},
    ])  # fmt: skip

    with api_server(responses={("GET", "/v2/workflows/events"): lambda: (200, next(pages))}) as api:
        listed = qstash("workflow", "list", "--all", "-q", QSTASH_URL=api.url)

    assert (listed.code, len(listed.out.split()), listed.out.split()[-1]) == (0, 101, "wfr_last")


def test_an_event_reaches_the_waiting_runs(
    local: Qstash, app: WorkflowApp, eventually: Eventually
) -> None:
    for run_id in ("wfr_1", "wfr_2"):
        started(app, eventually, run_id)
        wait_for_event(app, run_id, "order%2017")

    one = local("workflow", "notify", "order 17", "--run", "wfr_1", "-q")
    rest = local("workflow", "notify", "order 17", "--data-json", '{"n":1}', tty=True)
    none = local("workflow", "notify", "order 17", tty=True)

    assert one.out.split() == ["wfr_1"]
    assert "wfr_2" in rest.out
    assert "Notified 1 waiter" in rest.out + rest.err
    assert "no run waits for the event" in none.out + none.err
    assert local("workflow", "notify", "a/b").code == 2
