"""Peak memory of a process."""

from __future__ import annotations

import re
from pathlib import Path


def peak_mebibytes(pid: int) -> int:
    """Returns the peak resident memory of a process."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) // 1024
