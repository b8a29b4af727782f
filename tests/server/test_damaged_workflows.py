"""A damaged row of a workflow ends its run as failed, and does not affect other runs."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.server.run import ServerConfig, running_server
from tests.figures import Figures
from tests.server.test_damaged_rows import DAMAGE, VALUES, Damage
from tests.workflow_app import WorkflowApp, quiet, running_workflow

Eventually = Callable[..., Any]
COLUMNS = {
    "messages": ("options", "body", "url", "due_ms", "created_ms", "queue", "call_type"),
    "workflow_runs": ("url", "options", "invoker", "caller_ip", "created_ms", "size_bytes"),
    "workflow_steps": ("body", "call_type", "key"),
}  # fmt: skip
NAMES = {"messages": "id", "workflow_runs": "seq", "workflow_steps": "run_seq"}


def ids_of(app: WorkflowApp, state: str) -> set[str]:
    """Returns the ids of the runs in this state."""
    ids: set[str] = set()
    query = {"state": state}
    while True:
        page = app.api.get("/v2/workflows/events", params=query).raise_for_status().json()
        ids |= {str(one["workflowRunId"]) for one in page["runs"]}
        if not page.get("cursor"):
            return ids
        query["cursor"] = page["cursor"]


@contextlib.contextmanager
def server(db: Path) -> Iterator[str]:
    with running_server(ServerConfig(port=0, db=db)) as url:
        yield url


def damage_rows(db: Path, damages: dict[str, tuple[str, Damage]]) -> None:
    """Damages a row of each run, and makes the messages of all runs due."""
    with contextlib.closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE messages SET due_ms = created_ms")
        found = connection.execute(
            "SELECT run.id, messages.id, run.seq FROM messages JOIN workflow_runs AS run "
            "ON run_seq = run.seq"
        ).fetchall()
    names = {run_id: (message_id, seq) for run_id, message_id, seq in found}
    for run_id, (table, damage) in damages.items():
        message_id, seq = names[run_id]
        damage.of(db, table, NAMES[table], message_id if table == "messages" else seq)


def test_a_damaged_row_ends_its_run_and_the_others_go_on(
    *,
    tmp_path: Path,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    figures: Figures,
) -> None:
    db = tmp_path / "db"
    damages = {
        f"{table}-{column}-{number}": (table, Damage(column, value))
        for table, columns in COLUMNS.items()
        for column in columns
        for number, value in enumerate(VALUES)
    }
    failing = {
        run_id
        for run_id, (_, damage) in damages.items()
        if damage.column == "options" and damage.value != "[[1, 2]]"
    }
    with contextlib.ExitStack() as stack:
        with server(db) as url:
            app = stack.enter_context(running_workflow(url, submit=quiet))
            for run_id in ("good", *damages):
                app.trigger(run_id, Upstash_Delay="1d", Upstash_Retries="0").raise_for_status()
        damage_rows(db, damages)
        app.api.base_url = stack.enter_context(server(db))

        eventually(lambda: failing <= ids_of(app, "RUN_FAILED"), within_s=30)
        assert "good" in ids_of(app, "RUN_STARTED")
        eventually(lambda: "good" in {one.header("upstash-workflow-runid") for one in app.received})
        app.api.get("/v2/workflows/events").raise_for_status()
        page = app.api.get("/v2/workflows/dlq", params={"count": 100}).raise_for_status().json()
        ids = {one["workflowRunId"]: one["dlqId"] for one in page["messages"]}
        for verb in ("resume", "restart"):
            again = {
                run_id: app.api.post(f"/v2/workflows/dlq/{verb}", params={"dlqIds": dlq_id})
                for run_id, dlq_id in ids.items()
            }
            assert {one.status_code for one in again.values()} <= {200, 400, 404}
            assert all("is damaged: " in again[run_id].json()["error"] for run_id in failing)
        left = app.api.post("/v2/workflows/dlq/restart", params={"count": 50})
        assert not left.raise_for_status().json()["workflowRuns"]
    figures(DAMAGE, cases=len(damages))
    assert "failed: the stored message is damaged: its workflow run cannot be read" in caplog.text
    assert "a delivery is postponed" not in caplog.text


def test_an_event_reaches_the_steps_whose_waits_are_not_damaged(tmp_path: Path) -> None:
    db = tmp_path / "db"
    damages = {
        f"{column}-{number}": Damage(column, value)
        for column in ("step", "waiter")
        for number, value in enumerate(VALUES)
    }
    step = {"stepId": 1, "stepName": "wait", "stepType": "Wait", "concurrent": 1}
    with contextlib.ExitStack() as stack:
        with server(db) as url:
            app = stack.enter_context(running_workflow(url, submit=quiet))
            body = {"url": app.url, "timeout": "1d", "timeoutUrl": app.url, "step": step}
            for run_id in ("good", *damages):
                app.trigger(run_id, Upstash_Delay="1d").raise_for_status()
                headers = app.step_headers(run_id)
                app.api.post("/v2/wait/event", headers=headers, json=body).raise_for_status()
        with contextlib.closing(sqlite3.connect(db)) as connection, connection:
            for run_id, damage in damages.items():
                connection.execute(
                    f"UPDATE workflow_waits SET {damage.column} = ? "  # noqa: S608 - a query of the test
                    "WHERE run_seq = (SELECT seq FROM workflow_runs WHERE id = ?)",
                    (damage.value, run_id),
                )
        app.api.base_url = stack.enter_context(server(db))

        waiters = app.api.get("/v2/waiters/event").raise_for_status().json()
        notified = app.api.post("/v2/notify/event", content=b"data").raise_for_status().json()
        assert len(waiters) == 1
        assert [one["workflowRunId"] for one in notified] == ["good"]
