"""A function runs until a deadline."""

from __future__ import annotations

import threading

import pytest

from qstash_cli.client.deadline import within


def test_a_result_or_exception_before_the_deadline_is_passed_on() -> None:
    assert within(60, lambda: "done") == "done"
    assert within(60, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)


def test_a_function_that_exceeds_the_deadline_is_abandoned() -> None:
    goes_on = threading.Event()
    with pytest.raises(TimeoutError, match=r"no response within 0\.05s"):
        within(0.05, lambda: goes_on.wait(60))

    goes_on.set()
