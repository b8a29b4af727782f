"""`dev --db` with kills, a full disk and a read-only file: no acknowledged message is lost."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qstash_cli.server.http.local_endpoint import LocalEndpoint, running_endpoint
from tests.e2e.conftest import QSTASH, Dev, plain_environment, run
from tests.figures import Figures
from tests.sink import Sink
from tests.trust.chaos import Chaos, delivered_after_cancel, fired_minutes, respond
from tests.trust.conftest import client_of, unprivileged

CRASHES = "server, kill -9"
DISK = "server, full disk"
StartDev = Callable[..., Dev]
Eventually = Callable[..., object]
# A schedule's minute takes one second.
FAST = ("--speed", "60", "--port", "0")


@pytest.fixture
def destination() -> Iterator[LocalEndpoint]:
    with running_endpoint(respond) as endpoint:
        yield endpoint


def ticks(destination: LocalEndpoint) -> int:
    return sum(request.path == "/tick" for request in list(destination.received))


def kill(dev: Dev) -> None:
    dev.process.send_signal(signal.SIGKILL)
    dev.process.wait()


def assert_nothing_is_lost_by_kills(
    start_dev: StartDev,
    destination: LocalEndpoint,
    db: Path,
    eventually: Eventually,
    figures: Figures,
    *,
    kills: int,
    messages: int,
) -> None:
    chaos = Chaos(destination.url, seed=7)
    chance = random.Random(7)  # noqa: S311 - no secret
    for number in range(kills):
        dev = start_dev("--db", str(db), *FAST)
        if number == 0:
            with client_of(dev) as http:
                every_minute = {"Upstash-Cron": "* * * * *"}
                http.post(f"/v2/schedules/{destination.url}/tick", headers=every_minute)
        fired = ticks(destination)
        chaos.start(dev.url, threads=4)
        wanted = messages * (number + 1) // kills + chance.randrange(20)
        eventually(lambda: chaos.has_published(wanted), within_s=120)  # noqa: B023 - called immediately
        # After the time that was missed, so that it fires on time again.
        eventually(lambda: ticks(destination) > fired + 1)  # noqa: B023 - called immediately
        kill(dev)
        chaos.stop()
    dev = start_dev("--db", str(db), *FAST)
    with client_of(dev) as http:
        lost: set[str] = set()

        def is_settled() -> bool:
            nonlocal lost
            lost = chaos.lost(http, destination)
            return not lost

        try:
            eventually(is_settled, within_s=120 + messages / 50)
        finally:
            kill(dev)
            said = chaos.said
            minutes = fired_minutes(db)
            doubled = len(minutes) - len(set(minutes))
            late = delivered_after_cancel(said, destination, db)
            bad = len(lost) + len(late) + doubled + len(said.twice_used_dlq_ids)
            figures(
                CRASHES, cases=len(said.published), failures=bad, kills=kills, lost=len(lost),
                cancelled=len(said.cancelled), delivered_after_cancel=len(late),
                fires=len(minutes), doubled_fires=doubled,
                skipped_fires=minutes[-1] - minutes[0] + 1 - len(set(minutes)),
                DLQ_ids=len(said.dlq_of), DLQ_ids_used_twice=len(said.twice_used_dlq_ids),
            )  # fmt: skip
    assert bad == 0
    assert len(said.cancelled) > 0


def test_a_kill_loses_no_acknowledged_message(
    start_dev: StartDev,
    destination: LocalEndpoint,
    tmp_path: Path,
    eventually: Eventually,
    figures: Figures,
) -> None:
    assert_nothing_is_lost_by_kills(
        start_dev, destination, tmp_path / "db", eventually, figures, kills=3, messages=400
    )


@pytest.mark.soak
def test_many_kills_lose_no_acknowledged_message(
    start_dev: StartDev,
    destination: LocalEndpoint,
    tmp_path: Path,
    eventually: Eventually,
    figures: Figures,
) -> None:
    assert_nothing_is_lost_by_kills(
        start_dev, destination, tmp_path / "db", eventually, figures, kills=60, messages=22_000
    )


def test_a_full_disk_is_reported_and_loses_nothing(
    start_dev: StartDev, sink: Sink, tmp_path: Path, eventually: Eventually, figures: Figures
) -> None:
    db = str(tmp_path / "db")
    small = ("sh", "-c", 'ulimit -f 6000; exec "$@"', "sh")
    dev = start_dev("--db", db, "--port", "0", before=small)
    with client_of(dev) as http:
        acknowledged = []
        for _ in range(2000):
            refused = http.post(f"/v2/publish/{sink.url}", content=bytes(2000))
            if not refused.is_success:
                break
            acknowledged.append(refused.json()["messageId"])
        still_reads = http.get("/v2/queues").status_code
    kill(dev)

    start_dev("--db", db, "--port", "0")

    def lost() -> set[str]:
        return set(acknowledged) - {r.header("upstash-message-id") for r in sink.received}

    eventually(lambda: not lost(), within_s=60)
    figures(DISK, cases=len(acknowledged), failures=len(lost()))
    assert refused.status_code == 500
    assert refused.json()["error"].startswith("nothing was stored: disk I/O error")
    assert still_reads == 200


def test_a_read_only_file_is_reported_and_unchanged(
    start_dev: StartDev, sink: Sink, tmp_path: Path, eventually: Eventually, figures: Figures
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    db = folder / "db"
    dev = start_dev("--db", str(db), "--port", "0")
    with client_of(dev) as http:
        later = {"Upstash-Delay": "2s"}
        http.post(f"/v2/publish/{sink.url}", headers=later).raise_for_status()
    kill(dev)
    files = [*folder.iterdir()]
    for file in files:
        file.chmod(0o444)
    folder.chmod(0o555)

    refused = run(
        [*unprivileged(), *QSTASH, "dev", "--db", str(db), "--port", "0"],
        plain_environment(tmp_path),
    )
    folder.chmod(0o755)
    for file in files:
        file.chmod(0o644)
    start_dev("--db", str(db), "--port", "0")

    figures(DISK, cases=1)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"error: the database cannot be used: {db}: " in refused.stderr
    assert "hint: is it writable?" in refused.stderr
    eventually(lambda: sink.received)
