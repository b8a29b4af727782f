"""Progress of a bulk operation: a bar on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

_LINE_EVERY_S = 5.0


class Meter(Protocol):
    """Reports progress."""

    def update(self, *, done_bytes: int, records: int, refused: int) -> None:
        """Reports the bytes and records processed so far."""


class _Lines:
    def __init__(self, err: TextIO, total_bytes: int | None, now: Callable[[], float]) -> None:
        self._err, self._total_bytes, self._now = err, total_bytes, now
        self._begun_at = self._reported_at = now()

    def update(self, *, done_bytes: int, records: int, refused: int) -> None:
        now = self._now()
        if now - self._reported_at < _LINE_EVERY_S:
            return
        self._reported_at = now
        passed_s = now - self._begun_at
        parts = [f"{records:,} records", f"{records / passed_s:,.0f}/s"]
        if self._total_bytes and done_bytes:
            left_s = passed_s * (self._total_bytes - done_bytes) / done_bytes
            parts.append(f"{100 * done_bytes // self._total_bytes}%, {left_s:.0f}s left")
        if refused:
            parts.append(f"{refused:,} refused")
        self._err.write(f"{', '.join(parts)}\n")
        self._err.flush()


class _Bar:
    def __init__(self, progress: Any, total_bytes: int | None, now: Callable[[], float]) -> None:
        self._progress, self._now, self._begun_at = progress, now, now()
        self._task = progress.add_task("", total=total_bytes, counts="")

    def update(self, *, done_bytes: int, records: int, refused: int) -> None:
        per_s = records / max(self._now() - self._begun_at, 0.001)
        counts = f"{records:,}  {per_s:,.0f}/s"
        if refused:
            counts += f"  {refused:,} refused"
        self._progress.update(self._task, completed=done_bytes, counts=counts)


@contextmanager
def meter(
    err: TextIO,
    *,
    total_bytes: int | None,
    width: int,
    has_bar: bool,
    now: Callable[[], float],
) -> Iterator[Meter]:
    """Displays a meter on standard error. Removes the bar at the end."""
    if not has_bar:
        yield _Lines(err, total_bytes, now)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=err, width=width, force_terminal=True, highlight=False)
    columns = (
        BarColumn(bar_width=None),
        TextColumn("{task.fields[counts]}", markup=False),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        yield _Bar(progress, total_bytes, now)
