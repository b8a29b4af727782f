"""Progress and waits of a command, displayed on standard error while they last."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from qstash_cli.cli.run_options import RunOptions
from qstash_cli.cli.streams import StandardOutput, Streams
from qstash_cli.cli.system import System
from qstash_cli.output.waiting import LiveLine

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from qstash_cli.output.meter import Meter
    from qstash_cli.output.progress import StatusLine
    from qstash_cli.output.terminal import TerminalInfo

T = TypeVar("T")

_METER_AFTER_S = 1.0
_METER_EVERY_S = 0.1


class Display(ABC):
    """What a run displays while it works. Off a terminal, only `meter` can display anything."""

    streams: Streams
    system: System
    options: RunOptions
    live_line: LiveLine

    @abstractmethod
    def err_terminal(self) -> TerminalInfo:
        """Describes standard error."""

    @contextmanager
    def status(self) -> Iterator[StatusLine]:
        """Displays a status line on standard error, if that is a terminal."""
        from qstash_cli.output.progress import status

        with self.live_line.taken(), status(self.err_terminal(), self.streams.err) as line:
            yield line

    @contextmanager
    def measuring(self, meter: Meter) -> Iterator[Meter]:
        """Displays a meter in place of any spinner."""
        with self.live_line.taken(), meter.displayed():
            yield meter

    def meter(self, nouns: str, *, has_bar: bool = True, has_lines: bool = False) -> Meter:
        """Returns the meter of a bulk operation, which `measuring` displays."""
        from qstash_cli.output.meter import Meter

        return Meter(
            self.err_terminal(),
            self.streams.err,
            nouns=nouns,
            now=self.system.now,
            has_bar=has_bar,
            has_lines=has_lines,
        )

    def measured(self, records: Iterable[T], nouns: str, total: int | None = None) -> Iterator[T]:
        """Yields the records, and displays a meter on a terminal if they take a while.

        There is no meter where the records themselves are written to the terminal one by one.
        """
        output = self.options.output
        is_displayed = self.streams.out_is_terminal and output.format not in {None, "table"}
        if is_displayed or not self.streams.err_is_terminal:
            yield from records
            return
        from qstash_cli.output.meter import Measured

        meter, begun_at = self.meter(nouns), self.system.now()
        updated_at = begun_at + _METER_AFTER_S
        with ExitStack() as displayed:
            for done, record in enumerate(records, 1):
                yield record
                # A pager may have the terminal.
                is_free = meter.is_displayed or not self.live_line.is_taken
                if is_free and (now := self.system.now()) >= updated_at:
                    if not meter.is_displayed:
                        displayed.enter_context(self.measuring(meter))
                    meter.update(Measured(done=done, total=total))
                    updated_at = now + _METER_EVERY_S

    def waiting(self, text: str) -> AbstractContextManager[None]:
        """Displays a text with a spinner on a terminal, if the block takes longer than a second."""
        streams, out = self.streams, self.streams.out
        # A spinner would erase the unfinished line of the output.
        in_a_line = isinstance(out, StandardOutput) and not out.is_at_line_start
        is_hidden = in_a_line or self.options.output.verbose or not streams.err_is_terminal
        if is_hidden or not self.err_terminal().colour:
            return nullcontext()
        return self.live_line.waiting(text, streams.err, streams.columns)
