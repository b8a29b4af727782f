from __future__ import annotations

import json

import pytest

from tests.commands.api_server import api_server
from tests.commands.test_completed_values import complete
from tests.in_process import Qstash
from tests.sink import Sink


def delayed(local: Qstash, sink: Sink, *flags: str) -> str:
    return local("publish", sink.url, "--delay", "1d", *flags).out.strip()


def test_a_delayed_message_is_delivered_at_once(local: Qstash, sink: Sink) -> None:
    message_id = delayed(local, sink)

    run = local("message", "run-now", message_id)

    assert (run.code, run.out, run.err) == (0, f"{message_id}\n", "")
    assert local("message", "wait", message_id).code == 0
    assert len(sink.received) == 1


def test_a_message_that_does_not_wait_is_not_found(local: Qstash, sink: Sink) -> None:
    message_id = local("publish", sink.url, "--wait").out.strip()

    run = local("message", "run-now", message_id)

    assert (run.code, run.out) == (4, "")
    assert f"message {message_id} not found" in run.err


def test_a_message_in_a_queue_is_refused(local: Qstash, sink: Sink) -> None:
    local("queue", "set", "q")
    local("queue", "pause", "q")
    message_id = local("publish", sink.url, "--queue", "q").out.strip()

    run = local("message", "run-now", message_id)

    assert (run.code, run.out) == (1, "")
    assert "is in a queue" in run.err


def test_ids_that_cannot_be_released_are_reported_and_the_others_are_released(
    local: Qstash, sink: Sink
) -> None:
    first, second = delayed(local, sink), delayed(local, sink)

    run = local("message", "run-now", first, "msg_gone", first, "msg_lost", second)

    assert run.code == 10, run
    assert run.out.split() == [first, second]
    assert run.err.splitlines() == [
        "error: 2 of 4 messages were not released",
        "  msg_gone: message msg_gone not found (404 Not Found)",
        "  msg_lost: message msg_lost not found (404 Not Found)",
        "hint: `qstash logs --message ID` shows messages that have ended",
    ]
    for message_id in (first, second):
        assert local("message", "wait", message_id).code == 0


def test_if_no_message_is_released_the_exit_code_has_the_reason(local: Qstash) -> None:
    run = local("message", "run-now", "msg_a", "msg_b", "-o", "json")

    assert (run.code, run.json) == (4, [])
    error = json.loads(run.err)
    assert error["code"] == "not_found"
    assert "msg_b not found" in error["message"]


def test_an_invalid_id_is_refused_before_anything_is_sent(local: Qstash, sink: Sink) -> None:
    message_id = delayed(local, sink)

    run = local("message", "run-now", message_id, "a/b")

    assert (run.code, run.out) == (2, "")
    assert local("logs", "--state", "active", "-q").out == ""


def test_rejected_credentials_stop_the_command(qstash: Qstash) -> None:
    responses = {
        ("POST", "/v2/messages/msg_1/"): (200, {}),
        ("POST", "/v2/"): (403, {"error": "no"}),
    }
    with api_server(responses=responses) as api:
        qstash.env |= {"QSTASH_URL": api.url, "QSTASH_TOKEN": "token-of-a-test"}
        run = qstash("message", "run-now", "msg_1", "msg_2", "msg_3")

    assert (run.code, run.out) == (10, "msg_1\n")
    assert "2 of 3 messages were not released" in run.err
    assert "1 more were not tried" not in run.err
    assert "1 more was not tried" in run.err
    assert [path for _, path, _ in api.requests] == [
        "/v2/messages/msg_1/retry", "/v2/messages/msg_2/retry"
    ]  # fmt: skip


@pytest.mark.usefixtures("patient_completion")
def test_ids_of_waiting_messages_are_completed(local: Qstash, sink: Sink) -> None:
    waiting, cancelled = delayed(local, sink), delayed(local, sink)
    local("publish", sink.url, "--wait")
    local("message", "cancel", cancelled)

    run = complete(local, "qstash message run-now ")

    assert run.out == f"values\n{waiting}\tcreated {sink.url}\n"
