"""Deliveries that `logs --to` forwards, their responses, and skipped entries."""

from __future__ import annotations

from base64 import b64encode
from typing import cast

import pytest

from qstash_cli.client.external import ExternalResponse
from qstash_cli.commands.logs.mirror import mirrored
from qstash_cli.protocol.delivery import Delivery
from qstash_cli.protocol.records import LogEntry
from tests.in_process import Qstash
from tests.sink import Sink


def entry(message_id: str, state: str = "DELIVERED", body: bytes = b"x") -> LogEntry:
    fields = {"messageId": message_id, "state": state, "url": "https://example.com/hook",
              "time": 1, "body": b64encode(body).decode()}  # fmt: skip
    return cast("LogEntry", fields)


def test_each_attempt_is_forwarded_in_order_with_the_number_of_earlier_attempts() -> None:
    made: list[Delivery] = []
    warned: list[str] = []

    def deliver(one: Delivery) -> ExternalResponse:
        made.append(one)
        return ExternalResponse(status=200 + len(made), body=b"ok", took_ms=7)

    entries = [entry("msg_1", "ERROR"), entry("msg_2"), entry("msg_1", "ERROR"), entry("msg_1")]
    shown = list(mirrored(entries, deliver, warned.append))

    assert [(one.message_id, one.retried) for one in made] == [
        ("msg_1", 0), ("msg_2", 0), ("msg_1", 1), ("msg_1", 2),
    ]  # fmt: skip
    assert [one["forwarded"]["status"] for one in shown] == [201, 202, 203, 204]
    assert shown[0] == entries[0] | {
        "forwarded": {"status": 201, "ms": 7, "error": None, "body": "ok"}
    }
    assert warned == []


def test_hidden_deliveries_are_skipped_with_a_warning_and_silent_handlers_do_not_stop_it() -> None:
    warned: list[str] = []
    entries = [entry("msg_1", body=b"REDACTED:" + b"a" * 64), entry("msg_2"), entry("msg_3")]
    entries[1]["body"] = "QUJ"

    shown = list(mirrored(entries, lambda _one: ExternalResponse(error="refused"), warned.append))

    assert warned == [
        "msg_1 is not forwarded: its body is redacted",
        "msg_2 is not forwarded: its body is truncated",
    ]
    assert [one["messageId"] for one in shown] == ["msg_3"]
    assert shown[0]["forwarded"]["error"] == "refused"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--to", "http://127.0.0.1/"), "--to requires --follow"),
        (("-f", "--to", "127.0.0.1"), "--to: no http:// or https://: 127.0.0.1"),
        (("-f", "--to", "https://example.com/"), "not confirmed: Deliver real messages"),
    ],
)
def test_forbidden_targets_are_refused(local: Qstash, argv: tuple[str, ...], words: str) -> None:
    run = local("logs", *argv)

    assert run.code == 2
    assert words in run.err


def test_the_signing_key_is_required(local: Qstash, sink: Sink) -> None:
    run = local("logs", "-f", "--to", sink.url, QSTASH_CURRENT_SIGNING_KEY="")

    assert run.code == 3
    assert "no signing key to sign with" in run.err
