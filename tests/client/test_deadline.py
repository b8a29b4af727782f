"""A function runs until a deadline."""

from __future__ import annotations

import threading
import time

import pytest

from qstash_cli.client.deadline import within


def test_a_result_or_exception_before_the_deadline_is_passed_on() -> None:
    assert within(5, lambda: "done") == "done"
    assert within(5, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_a_function_that_exceeds_the_deadline_is_abandoned() -> None:
    goes_on = threading.Event()
    began_at = time.monotonic()

    with pytest.raises(TimeoutError, match=r"no response within 0\.05s"):
        within(0.05, goes_on.wait)

    assert time.monotonic() - began_at < 1
    goes_on.set()
