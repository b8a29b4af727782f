"""The start time of the process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

# A real process that asks late, or reads slowly: its start time must not depend on that.
LATE = "import time; time.sleep(0.3)"
SLOW = """
import time
from pathlib import Path
read = Path.read_text
Path.read_text = lambda path: (time.sleep(0.3), read(path))[1]
"""
ASKING = "from qstash_cli.process import started_at_s; print(started_at_s(), time.time())"


@pytest.mark.parametrize("busy", [LATE, SLOW], ids=["late", "slow"])
def test_the_start_time_does_not_depend_on_when_it_is_asked_for(busy: str) -> None:
    before = time.time()
    printed = subprocess.run(  # noqa: S603 - a command of the test
        [sys.executable, "-c", f"{busy}\n{ASKING}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    started_at, asked_at = map(float, printed.split())
    passed_s = 0.25 if Path("/proc/self/stat").exists() else 0
    assert before <= started_at <= asked_at - passed_s
