from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from tests.conftest import Qstash, Sink


def test_the_log_shows_every_step_newest_first(local: Qstash, sink: Sink) -> None:
    message_id = local("publish", sink.url, "--wait").out.strip()

    run = local("logs", "--message", message_id, "--columns", "state,messageId")

    assert run.out.splitlines() == [
        f"{state}\t{message_id}" for state in ("DELIVERED", "ACTIVE", "CREATED")
    ]


def test_filters_narrow_the_log(local: Qstash, sink: Sink) -> None:
    local("publish", f"{sink.url}/a", "--label", "one,two", "--wait")
    local("publish", f"{sink.url}/b", "--wait")

    def states(*flags: str) -> str:
        return local("logs", *flags, "--columns", "state,url").out

    assert states("--label", "two", "--state", "delivered") == f"DELIVERED\t{sink.url}/a\n"
    assert states("--url", f"{sink.url}/b", "--state", "created") == f"CREATED\t{sink.url}/b\n"
    assert states("--until", "1h") == ""
    assert states("--since", "1h").count("\n") == 6


def test_every_format_shows_the_same_entries(local: Qstash, sink: Sink) -> None:
    local("publish", sink.url, "--wait")

    assert len(local("logs", "-o", "json").json) == 3
    assert local("logs", "-o", "jsonl").out.count("\n") == 3
    assert local("logs", "-o", "csv").out.count("\n") == 4
    assert len(set(local("logs", "-q").out.split())) == 1
    assert "DELIVERED" in local("logs", tty=True, columns=40).out


def test_messages_can_be_cancelled_by_id_and_by_filter(local: Qstash, sink: Sink) -> None:
    first = local("publish", sink.url, "--delay", "1h").out.strip()
    local("publish", sink.url, "--delay", "1h", "--label", "x")
    local("publish", sink.url, "--delay", "1h", "--label", "y")

    assert local("message", "get", first, "--query", "url").json == sink.url
    assert local("message", "cancel", first).out == "1\n"
    assert local("message", "cancel", first).code == 4
    assert local("message", "cancel", "--label", "x", "--yes").out == "1\n"
    assert local("message", "cancel", "--all", "--yes").out == "1\n"
    assert local("message", "wait", first).code == 8


def test_messages_are_shown_with_their_steps(local: Qstash, sink: Sink) -> None:
    first = local("publish", f"{sink.url}/a", "--label", "x", "--wait").out.strip()
    lost = local("publish", "http://127.0.0.1:9/b", "--retries", "0", "--wait").out.strip()

    messages = local("logs", "--by-message", "-o", "json").json
    failed = local("logs", "--by-message", "--state", "failed", "-o", "json").json
    table = local("logs", "--by-message", tty=True, columns=200).out
    rows = local("logs", "--by-message", "--limit", "1")

    assert [message["messageId"] for message in messages] == [lost, first]
    assert [entry["state"] for entry in messages[1]["entries"]] == [
        "CREATED",
        "ACTIVE",
        "DELIVERED",
    ]
    assert messages[1]["durationMs"] == (
        messages[1]["entries"][-1]["time"] - messages[1]["startedAt"]
    )
    assert [message["messageId"] for message in failed] == [lost]
    assert failed[0]["entries"][0]["state"] == "CREATED"
    assert "CREATED, ACTIVE +" in table
    assert "DELIVERED 200 +" in table
    assert rows.out.count("\n") == 1
    assert "showing the first 1; use --all for the rest" in rows.err


def test_statistics_count_states_failures_and_delivery_times(local: Qstash, sink: Sink) -> None:
    for _ in range(3):
        local("publish", f"{sink.url}/a", "--wait")
    local("publish", "http://127.0.0.1:9/b", "--retries", "0", "--wait")

    numbers = local("logs", "--stats", "-o", "json").json
    table = local("logs", "--stats", tty=True, columns=80).out
    rows = local("logs", "--stats").out

    assert numbers["messages"] == 4
    assert numbers["states"]["DELIVERED"] == 3
    assert numbers["failing"] == [{"destination": "http://127.0.0.1:9/b", "failed": 1}]
    assert numbers["deliveryMs"]["count"] == 3
    assert 0 <= numbers["deliveryMs"]["p50"] <= numbers["deliveryMs"]["max"] < 5000
    assert "█" in table
    assert max(cell_len(line) for line in Text.from_ansi(table).plain.splitlines()) <= 80
    assert "state\t3\tDELIVERED\t" in rows


def test_what_cannot_be_shown_together_is_refused(local: Qstash) -> None:
    for flags in (("--follow", "--stats"), ("--by-message", "--stats"), ("-f", "--by-message")):
        run = local("logs", *flags)
        assert run.code == 2
        assert "do not go together" in run.err
    assert local("logs", "--columns", "nothing").code == 2
