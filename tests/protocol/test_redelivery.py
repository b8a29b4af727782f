"""A request is reconstructed from QStash's record of it, or refused with the reason."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.errors import BadInput
from qstash_cli.protocol.records import LogEntry, Message
from qstash_cli.protocol.redelivery import of_log_entry, of_message

_HASH = f"REDACTED:{'a' * 64}"
_JSON = {"Content-Type": ["application/json"]}


def message(**fields: object) -> Message:
    return cast("Message", {"messageId": "msg_1", "url": "https://example.com/a"} | fields)


def entry(body: bytes | str, **fields: object) -> LogEntry:
    text = body if isinstance(body, str) else b64encode(body).decode()
    step = {"time": 1_725_323_658_779, "state": "DELIVERED", "body": text}
    return cast("LogEntry", message(**step, **fields))


@given(st.binary())
def test_every_body_is_restored_byte_for_byte(body: bytes) -> None:
    try:
        record = message(body=body.decode())
    except UnicodeDecodeError:
        record = message(bodyBase64=b64encode(body).decode())

    assert of_message(record).body == body
    assert of_log_entry(entry(body)).body == body


def test_the_method_and_all_headers_are_restored() -> None:
    found = of_message(
        message(
            method="PUT", header={"X-A": ["1", "2"]}, topicName="team", scheduleId="scd_1",
            callerIP="10.0.0.1",
        )
    )  # fmt: skip

    assert dict(found.signed_headers("a.b.c", "US-EAST-1")) == {
        "User-Agent": "Upstash-QStash", "Upstash-Message-Id": "msg_1", "Upstash-Retried": "0",
        "Upstash-Signature": "a.b.c", "Upstash-Caller-Ip": "10.0.0.1",
        "Upstash-Region": "US-EAST-1", "Upstash-Topic-Name": "team",
        "Upstash-Schedule-Id": "scd_1", "X-A": "2",
    }  # fmt: skip
    assert (found.method, found.headers) == ("PUT", (("X-A", "1"), ("X-A", "2")))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (message(body=_HASH), "its body is redacted"),
        (message(header={"Authorization": [_HASH]}), "its header Authorization is redacted"),
        (message(bodyBase64="QUJ"), "its body is truncated"),
    ],
)
def test_a_redacted_message_is_refused_with_the_reason(record: Message, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        of_message(record)


def test_a_log_entry_with_a_redacted_body_is_refused() -> None:
    with pytest.raises(BadInput, match="its body is redacted"):
        of_log_entry(entry(_HASH.encode()))


def test_truncated_base64_is_refused() -> None:
    with pytest.raises(BadInput, match="its body is truncated"):
        of_log_entry(entry("QUJ"))


WHOLE = json.dumps(
    {"text": "ü \\ \u1234 \n", "yes": True, "no": None, "list": [1.5, "x"]}, ensure_ascii=True
).encode()


@given(st.integers(1, len(WHOLE) - 1))
def test_json_that_ends_prematurely_is_refused(length: int) -> None:
    with pytest.raises(BadInput, match="its body is truncated"):
        of_log_entry(entry(WHOLE[:length], header=_JSON))


def test_json_truncated_within_a_character_is_refused() -> None:
    with pytest.raises(BadInput, match="its body is truncated"):
        of_log_entry(entry('{"a":"ü'.encode()[:-1], header=_JSON))


@pytest.mark.parametrize("body", [b"", WHOLE, b"a=1&b=2", b"{'a': 1}", b"\xff\xfe{}"])
def test_complete_json_and_other_text_is_accepted(body: bytes) -> None:
    assert of_log_entry(entry(body, header=_JSON)).body == body
