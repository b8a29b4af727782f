"""The store: a SQLite connection whose jobs are committed in groups."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from qstash_cli.server.storage.database import open_file, open_memory

T = TypeVar("T")
# What a job works on, and what the store raises: SQLite stays in this package.
Connection = sqlite3.Connection
StoreError = sqlite3.Error
Job = Callable[[sqlite3.Connection], Any]
_Outcome = tuple[Any, Exception | None]


class Store:
    """Runs jobs on the database. Jobs that arrive during a commit form the next group.

    Jobs run in the thread of the event loop: in another thread, each statement would wait for the
    interpreter's lock. Only a commit to a file, which waits for the disk, has a thread of its own.
    """

    def __init__(self, path: Path | None) -> None:
        self._committer = None if path is None else ThreadPoolExecutor(1, "commit")
        self._waiting: list[tuple[Job, asyncio.Future[Any]]] = []
        self._is_busy = False
        self._connection = open_memory() if path is None else open_file(path)

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a job, and returns its result once its changes are committed.

        Raises what the job raises, without its changes, or `StoreError` if they cannot be
        committed.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((job, future))
        if not self._is_busy:
            self._is_busy = True
            self._draining = loop.create_task(self._drain())
        return await future

    async def run_outside(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Returns the result of a job between two groups, outside of a transaction.

        SQLite cannot copy a database within a transaction of the same connection.
        """
        while self._is_busy:
            await asyncio.wait({self._draining})
        return job(self._connection)

    async def _drain(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            outcomes = await self._committed([job for job, _ in group])
            for (_, future), (value, error) in zip(group, outcomes, strict=True):
                if future.done():
                    continue
                if error is None:
                    future.set_result(value)
                else:
                    future.set_exception(error)
        self._is_busy = False

    async def _committed(self, jobs: Sequence[Job]) -> list[_Outcome]:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._outcome(job) for job in jobs]
            if self._committer is None:
                connection.execute("COMMIT")
            else:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._committer, connection.execute, "COMMIT")
        except Exception as fault:  # noqa: BLE001 - the whole group failed; none of its changes are written
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(jobs) == 1:
                return [(None, fault)]
        else:
            return outcomes
        # A job that cannot be written must not fail the others, such as those that only read.
        return [outcome for job in jobs for outcome in await self._committed([job])]

    def _outcome(self, job: Job) -> _Outcome:
        self._connection.execute("SAVEPOINT job")
        try:
            value = job(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:
                # A full disk rolls back the whole group.
                raise
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            return None, error
        self._connection.execute("RELEASE job")
        return value, None

    def restore(self, source: sqlite3.Connection) -> None:
        """Replaces all data, before the first job. Raises `StoreError`, without a change."""
        source.backup(self._connection)

    def close(self) -> None:
        """Closes the database."""
        if self._committer is not None:
            self._committer.shutdown()
        self._connection.close()


def run_or_undo(
    connection: Connection, part: Callable[[], T], otherwise: Callable[[Exception], T]
) -> T:
    """Returns the result of a part of a job, or of `otherwise` once the failed part is undone.

    Raises `StoreError` if the database cannot be written to, such as on a full disk.
    """
    connection.execute("SAVEPOINT part")
    try:
        return part()
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the rest of the job goes on
        connection.execute("ROLLBACK TO part")
        return otherwise(error)
    finally:
        connection.execute("RELEASE part")
