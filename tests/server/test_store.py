"""The store commits jobs in groups, and a failing job does not fail the others."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import NoReturn

import pytest

from qstash_cli.server.storage.store import Store


def fill_the_disk(connection: sqlite3.Connection) -> NoReturn:
    # SQLite rolls back the whole transaction if the disk is full.
    connection.execute("ROLLBACK")
    raise sqlite3.OperationalError("database or disk is full")


def insert(connection: sqlite3.Connection) -> int:
    return connection.execute("INSERT INTO notes VALUES (1)").rowcount


def count(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM notes").fetchone()[0]
    return found


@pytest.mark.parametrize("is_in_memory", [True, False])
def test_a_job_that_rolls_back_its_group_fails_alone(tmp_path: Path, is_in_memory: bool) -> None:
    async def together() -> list[object]:
        store = Store(None if is_in_memory else tmp_path / "db")
        await store.run(lambda connection: connection.execute("CREATE TABLE notes (n)").rowcount)
        jobs = (insert, count, fill_the_disk, insert, count)
        results = await asyncio.gather(*map(store.run, jobs), return_exceptions=True)
        stored = await store.run(count)
        store.close()
        return [*results, stored]

    first, seen, failed, second, seen_later, stored = asyncio.run(together())

    assert (first, seen, second, seen_later, stored) == (1, 1, 1, 2, 2)
    assert isinstance(failed, sqlite3.OperationalError)
