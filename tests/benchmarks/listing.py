"""`logs --all` and `dlq list --all` on a server that has many entries."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from tests.benchmarks.plan import Plan
from tests.benchmarks.rows import Goal, Row
from tests.benchmarks.services import load, request_of, running_dev, running_sink
from tests.benchmarks.serving import BEARER
from tests.benchmarks.timing import Process, compared

# Created, active, error, failed.
_STEPS = 4
_FIRST_ROW_MS = 1000.0
# The server goes on behind the number at its end, which is that of the row.
_DLQ_ID = "substr(id, 1, instr(id, '-')) || (n + 1)"


def lists(plan: Plan) -> Iterator[Row]:
    """When the first row stands on a terminal, and whether time grows linearly."""
    number, env = plan.size(50_000), plan.env()
    db = plan.work / "lists.db"
    _bury_one(plan, db)
    _multiply(db, number)
    with running_dev(plan.installed.ours, env, "--db", str(db)) as dev:
        client = plan.client_env(dev.url) | {"QSTASH_TOKEN": BEARER.rpartition(" ")[2]}
        for words in (["logs"], ["dlq", "list"]):
            command = [str(plan.installed.ours / "qstash"), *words]
            name = f"{' '.join(words)}, {number:,} entries"
            yield _first_row(f"{name}: first row", [*command, "--all"], client, plan.long_rounds)
            yield compared(
                f"{name}: for each",
                "for each of a half",
                _us_for_each([*command, "--all"], client, number),
                _us_for_each([*command, "--limit", str(number // 2)], client, number // 2),
                goal=Goal(bound="at most", ratio=1.2),
                unit="us",
                rounds=plan.long_rounds,
            )


def _us_for_each(argv: list[str], env: dict[str, str], number: int) -> Callable[[], float]:
    done = subprocess.run(argv, env=env, capture_output=True, check=True)  # noqa: S603 - as below
    if done.stdout.count(b"\n") != number:
        raise RuntimeError(f"not {number} rows: {' '.join(argv)}")
    process = Process(argv=argv, env=env)
    return lambda: process.run_ms() * 1000 / number


def _first_row(what: str, argv: list[str], env: dict[str, str], rounds: int) -> Row:
    took_ms = sorted(_until_row_ms(argv, env) for _ in range(rounds))[rounds // 2]
    return Row(
        what=what,
        against="one second",
        ours=took_ms,
        peer=_FIRST_ROW_MS,
        ratio=took_ms / _FIRST_ROW_MS,
        goal=Goal(bound="at most", ratio=1.0),
    )


def _until_row_ms(argv: list[str], env: dict[str, str]) -> float:
    ours, theirs = pty.openpty()
    started_at = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - a command of the benchmark
        argv, env=env | {"TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    lines = 0
    # The first line has the names of the columns.
    while lines < 2:
        lines += os.read(ours, 4096).count(b"\n")
    took_s = time.perf_counter() - started_at
    process.kill()
    process.wait()
    os.close(ours)
    return took_s * 1000


def _bury_one(plan: Plan, db: Path) -> None:
    env = plan.env()
    with running_sink(env) as sink, running_dev(plan.installed.ours, env, "--db", str(db)) as dev:
        file = plan.work / "bury.http"
        path = f"/v2/publish/{sink.url}/refuse"
        file.write_bytes(request_of(dev, path, b'{"name":"ada"}', BEARER, "Upstash-Retries: 0"))
        load(dev, file, connections=1, times=1)
        while not sink.told_so_far()["requests"]:
            time.sleep(0.05)
        # What the server has of the answer it writes before it ends.
        time.sleep(0.5)


def _multiply(db: Path, number: int) -> None:
    """Copies what one message left behind, under other ids."""
    with closing(sqlite3.connect(db)) as connection, connection:
        for table, other, times in (
            ("messages", {"id": "id || n"}, number),
            ("dlq", {"id": _DLQ_ID, "message_id": "message_id || n"}, number),
            ("logs", {"message_id": "message_id || n"}, number // _STEPS),
        ):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            columns.remove("seq")
            values = ", ".join(other.get(column, column) for column in columns)
            connection.execute(
                f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many "  # noqa: S608 - our own names
                f"WHERE n < {times - 1}) "
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM many, {table}"
            )
