"""Progress of a bulk operation: a bar on a terminal, otherwise nothing or a line now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from qstash_cli.output.terminal import TerminalInfo

_LINE_EVERY_S = 5.0
_BAR_COLUMNS = 20
# Narrower terminals have room for the text alone.
_MIN_COLUMNS_FOR_BAR = 70


class Measured(NamedTuple):
    """How far an operation is. A total of None is unknown.

    `parts` of `total_parts` measure the progress where the number of records is unknown in advance,
    such as the bytes of a file. An earlier run did the first `parts_before` of them.
    """

    done: int = 0
    total: int | None = None
    parts: int = 0
    total_parts: int | None = None
    parts_before: int = 0
    refused: int = 0

    @property
    def share(self) -> float | None:
        """The share that is done, from 0 to 1; None if it is unknown."""
        done, total = (
            (self.done, self.total) if self.total is not None else (self.parts, self.total_parts)
        )
        return min(1.0, done / total) if total else None

    def text(self, nouns: str, passed_s: float) -> str:
        """Returns the count, the rate, the percentage and the time left after `passed_s`."""
        if not (self.done or self.refused or self.total is not None):
            return f"waiting for the first {nouns}"
        of = f" of {self.total:,}" if self.total is not None else ""
        found = [f"{self.done:,}{of} {nouns}", f"{self.done / max(passed_s, 0.001):,.0f}/s"]
        before = self.parts_before / self.total_parts if self.total_parts else 0
        if self.share is not None and self.share > before:
            left_s = passed_s * (1 - self.share) / (self.share - before)
            found.append(f"{int(100 * self.share)}%, {left_s:.0f}s left")
        if self.refused:
            found.append(f"{self.refused:,} refused")
        return ", ".join(found)


class Meter:
    """Displays progress on standard error while `displayed` is active.

    `nouns` names the records, such as "messages". `has_lines` makes it write a line every few
    seconds where no bar can be drawn.
    """

    def __init__(
        self,
        terminal: TerminalInfo,
        err: TextIO,
        *,
        nouns: str,
        now: Callable[[], float],
        has_bar: bool = True,
        has_lines: bool = False,
    ) -> None:
        # Drawing a bar moves the cursor, which a plain terminal does not support.
        self._has_bar = has_bar and terminal.is_terminal and terminal.colour
        self._has_lines = has_lines
        self._width, self._err, self._nouns, self._now = terminal.width, err, nouns, now
        self._begun_at = self._reported_at = now()
        self._measured = Measured()
        self._is_displayed = False
        self._bar: tuple[Progress, TaskID] | None = None

    @property
    def is_displayed(self) -> bool:
        """Whether `displayed` is active."""
        return self._is_displayed

    def update(self, measured: Measured) -> None:
        """Displays how far the operation is."""
        self._measured = measured
        if self._bar is not None:
            self._draw(*self._bar)
        elif self._has_lines and not self._has_bar:
            self._write_line()

    @contextmanager
    def displayed(self) -> Iterator[Meter]:
        """Displays the bar, and removes it at the end."""
        self._is_displayed = True
        if not self._has_bar:
            yield self
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
        from rich.table import Column

        console = Console(file=self._err, width=self._width, force_terminal=True, highlight=False)
        text = TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis"),
        )
        columns = [SpinnerColumn(), text]
        if self._width >= _MIN_COLUMNS_FOR_BAR:
            # These styles are readable on dark and light backgrounds.
            bar = BarColumn(_BAR_COLUMNS, "dim", "green", "green", "dim")
            columns.insert(1, bar)
        with Progress(*columns, console=console, transient=True) as progress:
            self._bar = progress, progress.add_task("", total=None)
            self._draw(*self._bar)
            try:
                yield self
            finally:
                self._bar = None

    def _draw(self, bar: Progress, task: TaskID) -> None:
        share = self._measured.share
        bar.update(
            task,
            completed=share or 0,
            total=None if share is None else 1,
            description=self._measured.text(self._nouns, self._now() - self._begun_at),
        )

    def _write_line(self) -> None:
        now = self._now()
        if now - self._reported_at < _LINE_EVERY_S:
            return
        self._reported_at = now
        self._err.write(f"{self._measured.text(self._nouns, now - self._begun_at)}\n")
        self._err.flush()
