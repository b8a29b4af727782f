"""Registers the fixtures and hooks that all tests share, by topic.

A plugin that other folders need must be registered here: worker processes do not load the conftest
of a folder before its tests run.
"""

from __future__ import annotations

import os
import signal

pytest_plugins = [
    # `all_stopped` waits for the servers of earlier tests.
    "tests.stopping",
    # `qstash`, `server_url` and `local` run commands in this process.
    "tests.in_process",
    # `sink` is a destination with scripted responses.
    "tests.sink",
    # `eventually` waits for a condition.
    "tests.polling",
    # `figures` counts cases and failures, which the summary of the run lists.
    "tests.figures",
    # A failing test prints its requests to QStash.
    "tests.requests_made",
]

# A shell starts background jobs with SIGINT ignored, and the processes of the tests inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Returns the number of workers, which wait for other processes a quarter of the time."""
    return (os.cpu_count() or 1) * 3 // 2
