from __future__ import annotations

import threading
import time

import pytest

from qstash_cli.client.deadline import within


def test_what_is_done_in_time_is_returned_or_raised() -> None:
    assert within(5, lambda: "done") == "done"
    assert within(5, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_what_takes_longer_is_left_alone() -> None:
    goes_on = threading.Event()
    began_at = time.monotonic()

    with pytest.raises(TimeoutError, match=r"no response within 0\.05s"):
        within(0.05, goes_on.wait)

    assert time.monotonic() - began_at < 1
    goes_on.set()
