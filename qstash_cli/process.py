"""This process, as the operating system sees it."""

from __future__ import annotations

import os
import time
from pathlib import Path

# Field 22 of proc(5)'s stat, counted after the name of the program, which may contain blanks.
_START_TICKS = 19


def started_at_s() -> float:
    """The unix time at which this process was started, or a later one.

    Linux knows it to the hundredth of a second. Elsewhere it is derived from the processor time,
    which is less than the time that has passed where the machine is busy.
    """
    now = time.time()
    try:
        status = Path("/proc/self/stat").read_text()
        ticks = int(status.rpartition(")")[2].split()[_START_TICKS])
        since_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        # Ticks are rounded down: one more is never too early.
        return min(now, now - since_boot_s + (ticks + 1) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return now - time.process_time()
