"""A bulk cancel that is interrupted by a kill continues after the restart."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.e2e.conftest import Dev
from tests.server.filling import fill

Eventually = Callable[..., object]


def test_an_interrupted_cancel_continues_and_cancels_every_message_once(
    start_dev: Callable[..., Dev], tmp_path: Path, eventually: Eventually
) -> None:
    count = 10_000
    fill(tmp_path / "db", count, "a")
    first = start_dev("--port", "0", "--db", str(tmp_path / "db"))
    cancel = ("message", "cancel", "--label", "a", "--yes", "--async")
    action_id = first.qstash(*cancel).stdout.strip()

    first.process.kill()
    first.process.wait()
    with closing(sqlite3.connect(tmp_path / "db")) as store:
        (processed,) = store.execute(
            "SELECT processed FROM bulk_actions WHERE completed_ms IS NULL"
        ).fetchone()
    assert processed < count
    second = start_dev("--port", "0", "--db", str(tmp_path / "db"))

    def action() -> dict[str, object]:
        found: dict[str, object] = json.loads(second.qstash("message", "actions", action_id).stdout)
        return found

    assert action_id.startswith("bulk_")
    eventually(lambda: action()["state"] == "FINISHED", within_s=60)
    assert (action()["total"], action()["processed"]) == (count, count)
    cancelled = second.qstash("logs", "--state", "cancelled", "--all", "-q").stdout.split()
    assert (len(cancelled), len(set(cancelled))) == (count, count)
