"""`qstash batch`: a hundred thousand records of 200 bytes, and the memory of a million."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.installed import SCRIPTS, or_reason
from tests.benchmarks.plan import Plan
from tests.benchmarks.rows import Goal, Row
from tests.benchmarks.services import Service, running_sink
from tests.benchmarks.timing import Process, compared

_TO = "https://example.com/hook"
# The number of records that `qstash batch` sends in a request.
_CHUNK = 500
_RECORD_BYTES = 200


def batch(plan: Plan) -> Iterator[Row]:
    """Measures records per second of the whole process, with the same sink for each peer."""
    number = plan.size(100_000)
    file = plan.work / "records.jsonl"
    _write_records(file, number)
    qstash, python = (str(plan.installed.ours / name) for name in ("qstash", "python"))
    to = (str(file), _TO)
    # Users have a journal too; a finished one does not prevent the file from being sent again.
    argv = [qstash, "batch", str(file), "--to", _TO]
    peers: tuple[tuple[str, Callable[[], list[str]], float], ...] = (
        (
            "the SDK's batch_json by 100",
            lambda: [plan.installed.sdk, str(SCRIPTS / "sdk_batch.py"), *to],
            3.0,
        ),
        (
            "json and http.client, no logic",
            lambda: [python, str(SCRIPTS / "plain_batch.py"), *to, str(_CHUNK)],
            0.85,
        ),
    )
    with running_sink(plan.env()) as sink:
        for against, make, least in peers:
            peer = or_reason(make)
            yield compared(
                f"batch, {number:,} records",
                against,
                _rate(plan, sink, argv, number),
                peer if isinstance(peer, str) else _rate(plan, sink, peer, number),
                goal=Goal(bound="at least", ratio=least),
                rounds=plan.long_rounds,
                unit="/s",
            )


def batch_memory(plan: Plan) -> Iterator[Row]:
    """Compares the peak memory for a large file with that for a tenth of it."""
    numbers = plan.size(1_000_000), plan.size(100_000)
    with running_sink(plan.env()) as sink:
        large, small = (_peak(plan, sink, number) for number in numbers)
        yield compared(
            f"batch, {numbers[0]:,} records: peak memory",
            f"{numbers[1]:,} records",
            large,
            small,
            goal=Goal(bound="at most", ratio=1.2),
            rounds=1 if plan.quick else 3,
            unit="MB",
        )


def _peak(plan: Plan, sink: Service, number: int) -> Callable[[], float]:
    file = plan.work / f"records-{number}.jsonl"
    _write_records(file, number)
    argv = [str(plan.installed.ours / "qstash"), "batch", str(file), "--to", _TO]
    process = Process(argv=argv, env=plan.client_env(sink.url))

    def peak_mb() -> float:
        sink.tally()
        found = process.peak_mb()
        _check_arrived(sink, number, argv)
        return found

    return peak_mb


def _rate(plan: Plan, sink: Service, argv: list[str], number: int) -> Callable[[], float]:
    process = Process(argv=argv, env=plan.client_env(sink.url))

    def rate() -> float:
        sink.tally()
        took_s = process.run_s()
        _check_arrived(sink, number, argv)
        return number / took_s

    return rate


def _check_arrived(sink: Service, number: int, argv: list[str]) -> None:
    arrived = sink.tally()["records"]
    if arrived != number:
        raise RuntimeError(f"{arrived} of {number} records arrived of {argv[0]}")


def _write_records(file: Path, number: int) -> None:
    with file.open("w") as out:
        for n in range(number):
            record = {"id": n, "name": "ada", "admin": True, "text": ""}
            record["text"] = "x" * (_RECORD_BYTES - len(json.dumps(record)))
            out.write(f"{json.dumps(record)}\n")
