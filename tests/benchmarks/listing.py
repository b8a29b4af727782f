"""Servers with many entries in their logs and DLQs."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.request import Request, urlopen

from tests.benchmarks.installed import SCRIPTS
from tests.benchmarks.plan import Plan
from tests.benchmarks.rows import Goal, Row
from tests.benchmarks.services import Service, load, request_of, running_dev, running_sink
from tests.benchmarks.serving import BEARER, accepted_per_s
from tests.benchmarks.timing import Process, compared

# Created, active, error, failed.
_STEPS = 4
_FIRST_ROW_MS = 1000.0
_PAGES = 9
# The server continues with the number of the last row.
_DLQ_ID = "substr(id, 1, instr(id, '-')) || (n + 1)"


def long_log(plan: Plan) -> Iterator[Row]:
    """Compares logs of 1 and 100 times the size: publishes per second, and the first page."""
    numbers, env = (plan.size(1_000_000), plan.size(10_000)), plan.env()
    files = [plan.work / f"log-{number}.db" for number in numbers]
    for number, file in zip(numbers, files, strict=True):
        _bury_one(plan, file)
        _multiply(file, number, dlq=0)
    ours = plan.installed.ours
    name, against = f"dev, {numbers[0]:,} log entries", f"{numbers[1]:,} entries"
    with (
        running_dev(ours, env, "--db", str(files[0])) as large,
        running_dev(ours, env, "--db", str(files[1])) as small,
    ):
        yield compared(
            f"{name}: first page of /v2/logs",
            against,
            partial(_first_page_ms, large),
            partial(_first_page_ms, small),
            goal=Goal(bound="at most", ratio=1.5),
            rounds=plan.rounds,
        )
        yield compared(
            f"{name}: accepting",
            against,
            partial(accepted_per_s, plan, large, plan.size(5000)),
            partial(accepted_per_s, plan, small, plan.size(5000)),
            goal=Goal(bound="at least", ratio=0.8),
            rounds=max(3, plan.long_rounds),
            unit="/s",
        )


def _first_page_ms(dev: Service) -> float:
    name, value = BEARER.split(": ", 1)
    request = Request(f"{dev.url}/v2/logs", headers={name: value})  # noqa: S310 - the server of the benchmark
    took_ms = []
    for _ in range(_PAGES):
        started_at = time.perf_counter()
        with urlopen(request) as response:  # noqa: S310 - the server of the benchmark
            response.read()
        took_ms.append((time.perf_counter() - started_at) * 1000)
    return statistics.median(took_ms)


def lists(plan: Plan) -> Iterator[Row]:
    """Measures when a terminal has the first row, and whether time grows linearly."""
    number, env = plan.size(50_000), plan.env()
    db = plan.work / "lists.db"
    _bury_one(plan, db)
    _multiply(db, number, dlq=number)
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


def groups(plan: Plan) -> Iterator[Row]:
    """Compares the CPU time of `dlq group` with that of reading and counting the same entries."""
    number = plan.size(50_000)
    db = plan.work / "groups.db"
    _bury_one(plan, db)
    # A number in the response that differs in each entry, as most responses have one.
    _multiply(db, number, dlq=number, dlq_body="CAST('order ' || (n % 1000) || ' failed' AS BLOB)")
    ours = plan.installed.ours
    with running_dev(ours, plan.env(), "--db", str(db)) as dev:
        client = plan.client_env(dev.url) | {"QSTASH_TOKEN": BEARER.rpartition(" ")[2]}
        plain = [str(ours / "python"), str(SCRIPTS / "plain_groups.py")]
        yield compared(
            f"dlq group, {number:,} entries: CPU time",
            "json and http.client, no logic",
            Process(argv=[str(ours / "qstash"), "dlq", "group"], env=client).cpu_ms,
            Process(argv=plain, env=client).cpu_ms,
            goal=Goal(bound="at most", ratio=1.8),
            rounds=plan.long_rounds,
        )


def _us_for_each(argv: list[str], env: dict[str, str], number: int) -> Callable[[], float]:
    done = subprocess.run(argv, env=env, capture_output=True, check=True)  # noqa: S603 - a command of the benchmark
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
    # The first line contains the names of the columns.
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
        # A pause between two requests to a real process.
        while not _has_dlq_entry(dev):
            time.sleep(0.05)


def _has_dlq_entry(dev: Service) -> bool:
    name, _, value = BEARER.partition(": ")
    request = Request(f"{dev.url}/v2/dlq", headers={name: value})  # noqa: S310 - the server of the benchmark
    with urlopen(request) as response:  # noqa: S310 - the server of the benchmark
        return bool(json.load(response)["messages"])


def _multiply(db: Path, number: int, *, dlq: int, dlq_body: str = "body") -> None:
    """Copies the rows of one message under other ids.

    Creates `number` log entries, and `dlq` entries in the DLQ. `dlq_body` is an SQL expression with
    the number `n` for their responses.
    """
    messages = max(dlq, number // _STEPS)
    with closing(sqlite3.connect(db)) as connection, connection:
        for table, other, times in (
            ("messages", {"id": "id || n"}, messages),
            ("dlq", {"id": _DLQ_ID, "message_id": "message_id || n", "body": dlq_body}, dlq),
            ("logs", {"message_id": "message_id || n"}, number // _STEPS),
        ):
            if times < 2:
                continue
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            columns.remove("seq")
            values = ", ".join(other.get(column, column) for column in columns)
            connection.execute(
                f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many "  # noqa: S608 - table names of the benchmark
                f"WHERE n < {times - 1}) "
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM many, {table}"
            )
