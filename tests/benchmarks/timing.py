"""Runs in alternating pairs, so that disturbances of the machine affect both sides."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.rows import Goal, Row

Measure = Callable[[], float]
# Kilobytes on Linux, bytes on macOS.
_MAXRSS_PER_MB = 1_048_576 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, kw_only=True)
class Process:
    """A command whose whole run is timed. Any exit code other than `code` is an error."""

    argv: Sequence[str]
    env: Mapping[str, str]
    code: int = 0
    cwd: Path | None = None

    def run_s(self) -> float:
        """Returns the seconds from start to end. Raises `RuntimeError` for another exit code."""
        return self._run()[0]

    def peak_mb(self) -> float:
        """Returns the peak memory in megabytes. Raises `RuntimeError` for another exit code."""
        return self._run()[1].ru_maxrss / _MAXRSS_PER_MB

    def cpu_ms(self) -> float:
        """Returns the CPU time in milliseconds. Raises `RuntimeError` for another exit code."""
        used = self._run()[1]
        return (used.ru_utime + used.ru_stime) * 1000

    def _run(self) -> tuple[float, resource.struct_rusage]:
        started_at = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - a command of the benchmark
            self.argv,
            env=dict(self.env),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Like `wait`, but with the resource usage of the process.
        _, status, used = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        took_s = time.perf_counter() - started_at
        if code != self.code:
            raise RuntimeError(f"{' '.join(self.argv)[:200]} ended with {code}")
        return took_s, used

    def run_ms(self) -> float:
        """Returns the milliseconds from start to end."""
        return self.run_s() * 1000


def paired(ours: Measure, peer: Measure, rounds: int) -> tuple[float, float, float]:
    """Returns the medians of ours, of the peer's, and of the ratios.

    The first pair is a warm-up.
    """
    ours(), peer()
    pairs = [(ours(), peer()) if number % 2 else _swapped(ours, peer) for number in range(rounds)]
    return (
        statistics.median(mine for mine, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(mine / theirs for mine, theirs in pairs),
    )


def _swapped(ours: Measure, peer: Measure) -> tuple[float, float]:
    theirs = peer()
    return ours(), theirs


def compared(
    what: str,
    against: str,
    ours: Measure,
    peer: Measure | str,
    *,
    goal: Goal | None,
    rounds: int,
    unit: str = "ms",
) -> Row:
    """Returns the row of a comparison. A peer that is a text is the reason why it is missing."""
    if isinstance(peer, str):
        mine = statistics.median(ours() for _ in range(min(rounds, 3)))
        return Row(what=what, against=against, unit=unit, ours=mine, goal=goal, note=peer)
    mine, theirs, ratio = paired(ours, peer, rounds)
    return Row(
        what=what, against=against, unit=unit, ours=mine, peer=theirs, ratio=ratio, goal=goal
    )


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Returns the environment without QStash's variables and the switches of Python."""
    others = ("QSTASH_", "_QSTASH", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {"QSTASH_CONFIG_DIR": str(home / "config")} | more
