"""Information about this process."""

from __future__ import annotations

import os
import time
from pathlib import Path

# Field 22 of /proc/PID/stat (see proc(5)), counted after the program's name, which may have spaces.
_START_TICKS = 19


def started_at_s() -> float:
    """Returns the unix time at which this process started, never one that is too early.

    Linux reports it to a hundredth of a second. Elsewhere it is derived from the CPU time, so it is
    late on a busy machine.
    """
    try:
        status = Path("/proc/self/stat").read_text()
        ticks = int(status.rpartition(")")[2].split()[_START_TICKS])
        # In this order, since the result must not be too early: a pause between the clocks makes it
        # later, as does one tick more, because the kernel rounds them down.
        since_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        now = time.time()
        return min(now, now - since_boot_s + (ticks + 1) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return time.time() - time.process_time()


def parent_name() -> str:
    """Returns the name of the program that started this process. Empty if it is unknown."""
    try:
        return Path(f"/proc/{os.getppid()}/comm").read_text().strip()
    except OSError:
        return ""
