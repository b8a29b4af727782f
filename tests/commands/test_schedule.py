from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.in_process import Qstash
from tests.sink import Sink
from tests.stopping import stopped_later

Eventually = Callable[[Callable[[], object]], object]


@pytest.fixture
def fast(qstash: Qstash) -> Iterator[Qstash]:
    """`qstash` with a server on which a minute takes a fifth of a second."""
    with stopped_later(running_server(ServerConfig(port=0, speed=300))) as url:
        qstash.env |= {"QSTASH_URL": url, "QSTASH_TOKEN": DEV_USER.token}
        yield qstash


def test_a_schedule_fires_until_it_is_paused(
    fast: Qstash, sink: Sink, eventually: Eventually
) -> None:
    made = fast("schedule", "create", sink.url, "n:=1", "--cron", "* * * * *", "--id", "tick",
                "--label", "night")  # fmt: skip
    assert (made.code, made.out) == (0, "tick\n"), made
    assert "the schedule publishes about 1,440 messages a day" in made.err

    eventually(lambda: len(sink.received) >= 2)

    assert sink.received[0].header("upstash-schedule-id") == "tick"
    assert sink.received[0].body == b'{"n":1}'
    shown = fast("schedule", "get", "tick").json
    assert shown["labels"] == ["night"]
    assert shown["nextScheduleTime"] > shown["lastScheduleTime"]
    eventually(
        lambda: (
            fast("schedule", "get", "tick", "--query", "values(lastScheduleStates)").json
            == ["SUCCESS"]
        )
    )
    assert fast("schedule", "pause", "tick").code == 0
    assert fast("schedule", "list", "--columns", "scheduleId,paused").out == "tick\ttrue\n"
    count = len(sink.received)
    before = fast("schedule", "get", "tick").json["nextScheduleTime"]
    eventually(lambda: fast("schedule", "get", "tick").json["nextScheduleTime"] > before + 60_000)
    assert len(sink.received) <= count + 1
    assert fast("schedule", "delete", "tick", "--yes").code == 0
    assert fast("schedule", "get", "tick").code == 4


def test_a_schedule_can_publish_to_groups_and_queues(
    fast: Qstash, sink: Sink, eventually: Eventually
) -> None:
    fast("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b")
    fast("schedule", "create", "team", "--cron", "* * * * *", "--queue", "q")

    eventually(lambda: {r.path for r in sink.received} == {"/a", "/b"})

    assert fast("queue", "list", "-q").out == "q\n"


def test_runs_missed_while_the_server_was_stopped_fire_once(
    sink: Sink, qstash: Qstash, tmp_path: Path, eventually: Eventually
) -> None:
    config = ServerConfig(port=0, db=tmp_path / "db")
    with running_server(config) as url:
        qstash.env |= {"QSTASH_URL": url, "QSTASH_TOKEN": DEV_USER.token}
        qstash("schedule", "create", sink.url, "--cron", "0 0 1 1 *", "--id", "yearly")
        following = qstash("schedule", "get", "yearly").json["nextScheduleTime"]
    with closing(sqlite3.connect(tmp_path / "db")) as database, database:
        database.execute("UPDATE schedules SET next_ms = 1600000000000")

    with running_server(config) as url:
        qstash.env |= {"QSTASH_URL": url}
        eventually(lambda: sink.received)
        assert qstash("schedule", "get", "yearly").json["nextScheduleTime"] == following
        assert qstash("logs", "--state", "created", "-q").out.count("msg_") == 1
    with running_server(config):
        assert len(sink.received) == 1


def test_an_existing_id_is_refused_and_replace_replaces_the_whole_schedule(
    local: Qstash, sink: Sink
) -> None:
    local("schedule", "create", sink.url, "-d", "x", "--cron", "0 3 * * *", "--id", "s")
    again = ("schedule", "create", f"{sink.url}/new", "--cron", "0 4 * * *", "--tz",
             "Europe/Berlin", "--id", "s")  # fmt: skip

    refused = local(*again)

    assert refused.code == 1
    assert "error: there is a schedule of this id already: s\n" in refused.err
    assert "hint: add --replace" in refused.err
    assert local("schedule", "get", "s", "--query", "body").json == "x"
    assert local(*again, "--dry-run").code == 1
    assert local(*again, "--replace").code == 0

    shown = local("schedule", "get", "s").json

    assert shown["cron"] == "CRON_TZ=Europe/Berlin 0 4 * * *"
    assert shown["destination"] == f"{sink.url}/new"
    assert "body" not in shown


def test_the_next_times_are_printed_without_a_server(qstash: Qstash) -> None:
    run = qstash("schedule", "next", "0 3 * * *", "--tz", "Europe/Berlin", "-n", "3")

    assert run.code == 0, run
    assert run.out.count("\n") == 3
    assert all("T03:00:00+0" in line.split("\t")[1] for line in run.out.splitlines())


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--cron", "61 * * * *"), "the minute is '61'"),
        (("--cron", "* * * * *", "--tz", "Mars/Base"), "not a time zone: 'Mars/Base'"),
        ((), "no cron expression"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_sent(
    local: Qstash, sink: Sink, argv: tuple[str, ...], words: str
) -> None:
    run = local("schedule", "create", sink.url, *argv)

    assert (run.code, words in run.err, "hint: " in run.err) == (2, True, True), run
    assert local("schedule", "list").out == ""
