from __future__ import annotations

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
