"""The status line that displays progress."""

import io
import re

import pytest

from qstash_cli.output.progress import status
from qstash_cli.output.terminal import TerminalInfo


@pytest.mark.parametrize(("is_terminal", "colour"), [(False, False), (False, True), (True, False)])
def test_it_is_silent_off_a_terminal_and_without_escape_sequences(
    terminal: TerminalInfo, is_terminal: bool, colour: bool
) -> None:
    err = io.StringIO()

    with status(terminal._replace(is_terminal=is_terminal, colour=colour), err) as line:
        line.update("waiting")

    assert err.getvalue() == ""


def test_on_a_terminal_it_shows_the_text_and_leaves_nothing(
    terminal: TerminalInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    err = io.StringIO()

    with status(terminal._replace(colour=True), err) as line:
        line.update("waiting for msg_1")
        line.update("done")

    written = err.getvalue()
    # Only the last text of a short moment is drawn.
    assert "done" in written
    # The line is erased, the cursor is visible again, and nothing is written after it.
    assert written.endswith("\x1b[2K")
    assert written.index("\x1b[?25l") < written.index("\x1b[?25h")


def test_the_line_fits_and_is_safe(terminal: TerminalInfo) -> None:
    err = io.StringIO()

    with status(terminal._replace(width=10, colour=True), err) as line:
        line.update("\x1b]0;title\x07" + "日本語" * 9)

    assert "\x1b]" not in err.getvalue()
    texts = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]|\r", "", err.getvalue())
    assert all(len(one.encode("utf-16-le")) <= 20 for one in texts.splitlines())
