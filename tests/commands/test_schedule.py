from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.in_process import Qstash
from tests.sink import Sink

Eventually = Callable[[Callable[[], object]], object]


def test_a_schedule_fires_until_it_is_paused(
    manual: Qstash, sink: Sink, advance: Callable[[str], None]
) -> None:
    made = manual("schedule", "create", sink.url, "n:=1", "--cron", "* * * * *", "--id", "tick",
                "--label", "night")  # fmt: skip
    assert (made.code, made.out) == (0, "tick\n"), made
    assert "the schedule publishes about 1,440 messages a day" in made.err

    for count in (1, 2):
        advance("1m")
        assert len(sink.received) == count

    assert sink.received[0].header("upstash-schedule-id") == "tick"
    assert sink.received[0].body == b'{"n":1}'
    shown = manual("schedule", "get", "tick").json
    assert shown["labels"] == ["night"]
    assert shown["nextScheduleTime"] > shown["lastScheduleTime"]
    states = manual("schedule", "get", "tick", "--query", "values(lastScheduleStates)").json
    assert states == ["SUCCESS"]
    assert manual("schedule", "pause", "tick").code == 0
    assert manual("schedule", "list", "--columns", "scheduleId,paused").out == "tick\ttrue\n"
    before = manual("schedule", "get", "tick").json["nextScheduleTime"]
    advance("5m")
    assert manual("schedule", "get", "tick").json["nextScheduleTime"] == before + 300_000
    assert len(sink.received) == 2
    assert manual("schedule", "delete", "tick", "--yes").code == 0
    assert manual("schedule", "get", "tick").code == 4


def test_a_schedule_can_publish_to_groups_and_queues(
    manual: Qstash, sink: Sink, advance: Callable[[str], None]
) -> None:
    manual("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b")
    manual("schedule", "create", "team", "--cron", "* * * * *", "--queue", "q")

    advance("1m")

    assert sorted(r.path for r in sink.received) == ["/a", "/b"]

    assert manual("queue", "list", "-q").out == "q\n"


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
        # The server would deliver it again if it were stopped before it has the response.
        eventually(lambda: qstash("logs", "--state", "delivered", "-q").out)
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
