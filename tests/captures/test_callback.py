"""The content of a callback is JSON that every parser accepts, whatever was sent."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from qstash_cli.captures.callback import report_of

BODY = b64encode(b"hello").decode()


def report(header: str) -> bytes:
    return f'{{"sourceMessageId":"msg_1","status":200,"body":"{BODY}","header":{header}}}'.encode()


def test_the_bodies_in_a_callback_are_decoded() -> None:
    found = report_of(report('{"X":["a"]}'))

    assert found == {
        "sourceMessageId": "msg_1", "status": 200, "body": "hello", "header": {"X": ["a"]},
    }  # fmt: skip
    assert report_of(b'{"status":200}') is None
    assert report_of(b"[" * 100_000) is None


@pytest.mark.parametrize(
    "header", ["[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "1e999", "NaN", "-1e999"]
)
def test_a_hostile_callback_can_be_printed(header: str) -> None:
    found = report_of(report(header))

    assert found is not None
    assert found["body"] == "hello"
    json.dumps(found, allow_nan=False)
