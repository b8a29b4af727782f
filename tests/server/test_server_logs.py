"""Repeated log messages are limited, and suppressed ones are counted."""

from __future__ import annotations

import logging
import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.server.http.server_logs import LineFormatter, RepeatLimit

ENOUGH = 5
PERIOD_S = 10


def record(message: str, line: int = 1, error: Exception | None = None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, None)
    return logging.LogRecord("asyncio", logging.ERROR, "x.py", line, message, ("y",), info)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 30)), max_size=300))
def test_the_first_messages_of_a_kind_pass_and_the_others_are_counted(
    arrivals: list[tuple[int, float]],
) -> None:
    now_s = 0.0
    limit = RepeatLimit(lambda: now_s)
    passed: Counter[int] = Counter()
    counted: Counter[int] = Counter()
    for line, pause_s in arrivals:
        now_s += pause_s
        one = record("message to %s", line)
        if limit.filter(one):
            text = one.getMessage()
            passed[line] += 1
            found = re.search(r"\((\d+) more messages like this were suppressed", text)
            counted[line] += int(found[1]) if found else 0
            assert text.startswith("message to y")
    now_s += PERIOD_S
    for line, total in Counter(line for line, _ in arrivals).items():
        last = record("message to %s", line)
        assert limit.filter(last)
        found = re.search(r"\((\d+) more", last.getMessage())
        assert passed[line] + counted[line] + (int(found[1]) if found else 0) == total


def test_a_flood_is_reduced_to_a_few_lines_with_a_count() -> None:
    limit = RepeatLimit(lambda: 1.0)
    lines = [LineFormatter().format(r) for r in map(record, ["no %s"] * 10_000) if limit.filter(r)]

    assert len(lines) == ENOUGH
    assert lines[0] == "error: no y"
    assert lines[-1] == "error: no y (further messages like this are suppressed for 10 s)"


def test_another_message_or_exception_is_another_kind() -> None:
    limit = RepeatLimit(lambda: 1.0)

    def passed() -> list[bool]:
        error = OSError()
        kinds = [record("a %s"), record("b %s"), record("a %s", 2), record("a %s", error=error)]
        return [limit.filter(one) for one in kinds]

    assert [passed() for _ in range(ENOUGH)] == [[True] * 4] * ENOUGH
    assert passed() == [False] * 4


def test_the_number_of_remembered_kinds_is_limited() -> None:
    limit = RepeatLimit(lambda: 1.0)

    assert all(limit.filter(record("a %s", line)) for line in range(10_000))
    assert all(limit.filter(record("a %s", line)) for line in range(ENOUGH))
