from __future__ import annotations

from typing import cast

from qstash_cli.protocol.attempts import history_of
from qstash_cli.protocol.records import LogEntry


def entry(state: str, time: int, **more: object) -> LogEntry:
    return cast("LogEntry", {"time": time, "messageId": "msg_1", "state": state, **more})


def newest_first(*entries: LogEntry) -> list[LogEntry]:
    return list(reversed(entries))


def test_each_attempt_has_its_wait_its_duration_and_its_response() -> None:
    found = history_of(
        newest_first(
            entry("CREATED", 0),
            entry("ACTIVE", 100),
            entry("ERROR", 150, responseStatus=503),
            entry("RETRY", 150, nextDeliveryTime=1150),
            entry("ACTIVE", 1200),
            entry("DELIVERED", 1210, responseStatus=200),
        )
    )

    rows = [
        (one.number, one.outcome, one.waited_ms, one.took_ms, one.entry.get("responseStatus"))
        for one in found.attempts
    ]
    assert rows == [(1, "ERROR", 100, 50, 503), (2, "DELIVERED", 1050, 10, 200)]
    assert (found.state, found.created_at_ms, found.ended_at_ms) == ("DELIVERED", 0, 1210)
    assert found.next_at_ms is None


def test_a_message_that_waits_has_the_time_of_its_next_attempt() -> None:
    waiting = newest_first(
        entry("CREATED", 0),
        entry("ACTIVE", 1),
        entry("ERROR", 2, error="connection refused"),
        entry("RETRY", 2, nextDeliveryTime=5000),
    )
    running = [entry("ACTIVE", 5000), *waiting]

    assert (history_of(waiting).state, history_of(waiting).next_at_ms) == ("RETRY", 5000)
    assert history_of(waiting).attempts[0].entry["error"] == "connection refused"
    assert (history_of(running).next_at_ms, len(history_of(running).attempts)) == (None, 2)


def test_the_last_error_and_the_failure_that_follows_are_one_attempt() -> None:
    found = history_of(
        newest_first(
            entry("ACTIVE", 10),
            entry("ERROR", 30, responseStatus=500),
            entry("FAILED", 30, responseStatus=500),
        )
    )

    assert [(one.outcome, one.took_ms) for one in found.attempts] == [("FAILED", 20)]


def test_results_without_a_start_are_attempts_too() -> None:
    found = history_of(newest_first(entry("ERROR", 10), entry("ERROR", 20), entry("FAILED", 30)))

    assert [(one.number, one.outcome, one.took_ms) for one in found.attempts] == [
        (1, "ERROR", None), (2, "ERROR", None), (3, "FAILED", None),
    ]  # fmt: skip


def test_a_cancellation_has_both_spellings() -> None:
    found = history_of(
        newest_first(entry("CREATED", 0), entry("CANCEL_REQUESTED", 5), entry("CANCELED", 9))
    )

    assert [one.state for one in found.cancellations] == ["CANCEL_REQUESTED", "CANCELLED"]
    assert (found.state, found.ended_at_ms) == ("CANCELLED", 9)
