"""One line for each event of a server: time, state, method, URL, and the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from qstash_cli.output.safe import encodable, safe_text
from qstash_cli.output.shorten import shorten
from qstash_cli.output.states import state_style
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.values import short_time

if TYPE_CHECKING:
    from rich.style import Style

_WORD_WIDTH, _METHOD_WIDTH = 11, 6
_MOST_URL = 50
# In a narrower terminal the outcome is on a separate line.
_LEAST_WIDTH_FOR_ONE_LINE = 70
_GAP = "  "
_INDENT = "    "


class EventLine(NamedTuple):
    """An event for people. `word` is displayed with symbol and colour of `state`.

    `details` are further lines, such as headers and bodies.
    """

    at_s: float
    state: str
    word: str
    method: str
    url: str
    note: str
    details: tuple[str, ...] = ()


def event_line(event: EventLine, terminal: TerminalInfo) -> str:
    """Returns the line, and a line for each detail. On a terminal a long URL is shortened."""
    lines = _on_terminal(event, terminal) if terminal.is_terminal else _in_pipe(event, terminal)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _in_pipe(event: EventLine, terminal: TerminalInfo) -> Iterator[str]:
    time = short_time(event.at_s, terminal.now(), terminal.time_zone)
    parts = (time, event.word, event.method, safe_text(event.url), safe_text(event.note))
    yield encodable(" ".join(filter(None, parts)))
    yield from (encodable(f"{_INDENT}{safe_text(detail)}") for detail in event.details)


def _on_terminal(event: EventLine, terminal: TerminalInfo) -> Iterator[str]:
    symbol, _, style = state_style(event.state)
    time = short_time(event.at_s, terminal.now(), terminal.time_zone)
    word = f"{symbol} {event.word}".ljust(_WORD_WIDTH + 2)
    start = f"{_styled(time, 'dim', terminal)}{_GAP}{_styled(word, style, terminal)}{_GAP}"
    room = terminal.width - len(time) - len(word) - 2 * len(_GAP)
    url = safe_text(event.url.removeprefix("http://").removeprefix("https://"))
    note = safe_text(event.note)
    if terminal.width < _LEAST_WIDTH_FOR_ONE_LINE:
        yield f"{start}{shorten(url, room, 'url', terminal.cut_mark)}"
        yield f"{_INDENT}{shorten(note, terminal.width - len(_INDENT), 'end', terminal.cut_mark)}"
    else:
        room -= _METHOD_WIDTH + 2 * len(_GAP)
        method = event.method.ljust(_METHOD_WIDTH)
        yield f"{start}{method}{_GAP}{_in_columns(url, note, room, terminal.cut_mark)}"
    for detail in event.details:
        yield _styled(f"{_INDENT}{safe_text(detail)}", "dim", terminal)


def _in_columns(url: str, note: str, room: int, mark: str) -> str:
    """Aligns the notes of all lines, but for a note that needs the room of a short URL."""
    from rich.cells import cell_len

    width = min(_MOST_URL, room // 2)
    url = shorten(url, width, "url", mark)
    taken = cell_len(url) if cell_len(note) > room - width else width
    padding = " " * (taken - cell_len(url))
    return f"{url}{padding}{_GAP}{shorten(note, room - taken, 'end', mark)}"


def _styled(text: str, style: str, terminal: TerminalInfo) -> str:
    if not (terminal.colour and style):
        return text
    from rich.color import ColorSystem

    return _style(style).render(text, color_system=ColorSystem.STANDARD)


@cache
def _style(name: str) -> Style:
    from rich.style import Style

    return Style.parse(name)
