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

# Python imports a module of this name at start-up. The server's third step and those after it fail,
# so that the action waits, and does not finish before the kill.
_SITE = """
from qstash_cli.server.storage import bulk_actions

advance, steps = bulk_actions.advance, iter(range(2))

def advance_twice(*arguments, **more):
    if next(steps, None) is None:
        raise OSError("there is no third step")
    advance(*arguments, **more)

bulk_actions.advance = advance_twice
"""
_IN_TWO_STEPS = 400


def test_an_interrupted_cancel_continues_and_cancels_every_message_once(
    start_dev: Callable[..., Dev], tmp_path: Path, eventually: Eventually
) -> None:
    count = 2_000
    fill(tmp_path / "db", count, "a")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_SITE)
    arguments = ("--port", "0", "--db", str(tmp_path / "db"))
    first = start_dev(*arguments, PYTHONPATH=str(tmp_path / "site"))
    cancel = ("message", "cancel", "--label", "a", "--yes", "--async")
    action_id = first.qstash(*cancel).stdout.strip()

    def action(dev: Dev) -> dict[str, object]:
        found: dict[str, object] = json.loads(dev.qstash("message", "actions", action_id).stdout)
        return found

    eventually(lambda: action(first)["processed"] == _IN_TWO_STEPS)
    first.process.kill()
    first.process.wait()
    with closing(sqlite3.connect(tmp_path / "db")) as store:
        (processed,) = store.execute(
            "SELECT processed FROM bulk_actions WHERE completed_ms IS NULL"
        ).fetchone()
    assert processed == _IN_TWO_STEPS
    second = start_dev(*arguments)

    assert action_id.startswith("bulk_")
    eventually(lambda: action(second)["state"] == "FINISHED", within_s=60)
    finished = action(second)
    assert (finished["total"], finished["processed"]) == (count, count)
    cancelled = second.qstash("logs", "--state", "cancelled", "--all", "-q").stdout.split()
    assert (len(cancelled), len(set(cancelled))) == (count, count)
