"""The line that tells how far something is."""

import io
from dataclasses import replace

from qstash_cli.output.look import Look
from qstash_cli.output.progress import status


def test_off_a_terminal_it_is_silent(pipe: Look) -> None:
    err = io.StringIO()

    with status(pipe, err) as line:
        line.update("waiting")

    assert err.getvalue() == ""


def test_a_shorter_text_covers_the_longer_and_nothing_is_left(terminal: Look) -> None:
    err = io.StringIO()

    with status(terminal, err) as line:
        line.update("waiting")
        line.update("done")

    assert err.getvalue() == "\rwaiting\rdone   \r    \r"


def test_the_line_fits_and_is_safe(terminal: Look) -> None:
    err = io.StringIO()

    with status(replace(terminal, width=10), err) as line:
        line.update("\x1b" + "日本語" * 9)

    assert err.getvalue().split("\r")[1] == "\\x1b日本…"
