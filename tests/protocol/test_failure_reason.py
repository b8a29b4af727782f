from __future__ import annotations

import time

import pytest

from qstash_cli.protocol.failure_reason import HEAD_BYTES, normalized, reason_of


@pytest.mark.parametrize(
    ("response", "line"),
    [
        ("order 4711 not found", "order <n> not found"),
        ("order-4711: 1,234.50 EUR", "order-<n>: <n> EUR"),
        ("timeout after 30000ms", "timeout after <n>ms"),
        ("2026-11-28T12:00:01.123Z boom", "<time> boom"),
        ("[2026-11-28 12:00:01,123] boom", "[<time>] boom"),
        ("Sat, 28 Nov 2026 12:00:00 GMT: boom", "<time>: boom"),
        ("at 12:00:01", "at <time>"),
        ("request 550e8400-e29b-41d4-a716-446655440000", "request <id>"),
        ("request abcdefab-cdef-abcd-abcd-abcdefabcdef", "request <id>"),
        ("trace 8f3a9c01", "trace <id>"),
        ("msg_26hZCxZCuWyyTWPmSVBrNC1RADwpgWx", "msg_<id>"),
        ("job a7Kq2Z9x", "job <id>"),
        ("dial tcp 10.0.0.1:8080: connection refused", "dial tcp <n>:<n>: connection refused"),
        ("Error: boom\n    at handler (app.js:17)", "Error: boom"),
        ('{\n  "error": "boom",\n  "at": 3\n}', '{ "error": "boom", "at": <n> }'),
        ("<html>\n<head><title>Bad Gateway</title></head>", "Bad Gateway"),
        ("<p>\nno title", "<p> no title"),
        ("0.5abc7 of 9", "<n>abc7 of <n>"),
        ("out of paper", "out of paper"),
        ("", ""),
    ],
)
def test_what_varies_between_equal_failures_is_replaced(response: str, line: str) -> None:
    assert normalized(response) == line


def test_a_longer_number_does_not_move_the_end_of_a_long_response() -> None:
    rest = " of the customer is unknown" * 100

    assert normalized(f"order 9{rest}") == normalized(f"order 10000{rest}")


def test_reasons_differ_by_status_url_and_response() -> None:
    reasons = {
        reason_of(503, "https://example.com/a", "order 1 failed"),
        reason_of(503, "https://example.com/a", "order 22 failed"),
        reason_of(500, "https://example.com/a", "order 1 failed"),
        reason_of(503, "https://example.com/b", "order 1 failed"),
        reason_of(503, "https://example.com/a", "job 1 failed"),
    }

    assert len(reasons) == len({one.key for one in reasons}) == 4


def test_the_key_of_a_reason_is_the_same_in_every_version() -> None:
    assert reason_of(503, "https://example.com/a", "order 1").key == "b16ce413e128f17b"


@pytest.mark.parametrize(
    "piece", ["a", "1", "1.", "a1", "2026-11-28 ", "<title", "0:", "Mon, ", "-aaaaaaaa", "\ud800"]
)
def test_hostile_responses_take_little_time(piece: str) -> None:
    text = (piece * HEAD_BYTES)[:HEAD_BYTES]
    began_at_s = time.process_time()

    for number in range(20):
        normalized(f"{number}{text}")
        normalized(f"{text}{number}")

    assert time.process_time() - began_at_s < 0.5
