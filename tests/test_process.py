"""The start time of the process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

# A real process that asks late: its start time must not depend on that.
BUSY = "import sys, time; time.sleep(0.3); from qstash_cli.process import started_at_s"


def test_the_start_time_does_not_depend_on_when_it_is_asked_for() -> None:
    before = time.time()
    printed = subprocess.run(  # noqa: S603 - a command of the test
        [sys.executable, "-c", f"{BUSY}; print(started_at_s(), time.time())"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    started_at, asked_at = map(float, printed.split())
    passed_s = 0.25 if Path("/proc/self/stat").exists() else 0
    assert before <= started_at <= asked_at - passed_s
