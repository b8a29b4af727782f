"""The blocks of a screen."""

from __future__ import annotations

import io
import re
import shlex
from dataclasses import dataclass
from datetime import UTC

import pytest

from qstash_cli.output.blocks import (
    Block,
    Commands,
    Headline,
    Labelled,
    Paragraph,
    Preformatted,
    Prompt,
    Row,
    RowCell,
    Rule,
    Section,
)
from qstash_cli.output.screen import write_screen
from qstash_cli.output.terminal import TerminalInfo

NOW = 1_795_525_689.0
HOSTILE = "a\x1b[2J\u202eb"


@dataclass(frozen=True)
class Screen:
    width: int = 80
    is_terminal: bool = True
    colour: bool = False

    def __call__(self, *blocks: Block) -> str:
        out = io.StringIO()
        terminal = TerminalInfo(self.is_terminal, self.width, self.colour, lambda: NOW, UTC)
        write_screen(blocks, out, terminal)
        return out.getvalue()


@pytest.mark.parametrize(
    "block",
    [
        Headline("FAILED", HOSTILE), Headline(HOSTILE, "text"), Section(HOSTILE, HOSTILE),
        Preformatted(HOSTILE), Labelled(((HOSTILE, HOSTILE),)), Commands(((HOSTILE, HOSTILE),)),
        Prompt((HOSTILE,)), Rule(HOSTILE), Paragraph(HOSTILE),
        Row((RowCell(HOSTILE, 10),), HOSTILE),
    ],
    ids=lambda block: type(block).__name__,
)  # fmt: skip
def test_control_characters_are_escaped_in_every_block(block: Block) -> None:
    for is_terminal in (True, False):
        text = Screen(is_terminal=is_terminal)(block)

        assert r"\x1b[2J\u202e" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_a_headline_wraps_between_words_and_never_breaks_a_url() -> None:
    url = f"https://app.example.com/{'x' * 60}"

    text = Screen(width=40)(Headline("DELIVERED", f"POST {url}"))

    assert text == f"✓ delivered  POST\n  {url}\n"


def test_no_line_of_an_untrusted_text_looks_like_a_message() -> None:
    text = Screen(width=24)(
        Preformatted("error: owned\n::add-mask::owned"),
        Paragraph("the body of the text has error: owned"),
        Section("Request body", "x error: owned and more"),
        Headline("FAILED", "GET http://a error: owned"),
    )

    assert "owned" in text
    assert [line for line in text.splitlines() if line.startswith(("error:", "::"))] == []


def test_a_fix_is_wrapped_below_itself() -> None:
    text = Screen(width=24)(Labelled((("cause", "the body differs"), ("fix", "verify it as is"))))

    assert text == "cause: the body differs\nfix:   verify it as is\n"
    assert Screen(width=20)(Labelled((("fix", "verify the raw bytes"),))) == (
        "fix: verify the raw\n     bytes\n"
    )


def test_commands_are_aligned_if_there_is_room_and_whole_in_any_case() -> None:
    block = Commands((("retry", "qstash dlq retry 1-1"), ("run now", "qstash message run-now m")))

    assert Screen()(block) == (
        "  retry    qstash dlq retry 1-1\n  run now  qstash message run-now m\n"
    )
    assert Screen(width=30)(block) == (
        "# retry\nqstash dlq retry 1-1\n# run now\nqstash message run-now m\n"
    )


@pytest.mark.parametrize("width", [10, 24, 40, 80])
def test_a_prompt_is_one_command_for_a_shell_at_any_width(width: int) -> None:
    words = ("qstash", "publish", "http://127.0.0.1:3000/a b", "--retries", "1", "--wait", "x='")

    text = Screen(width=width)(Prompt(words))

    command = text.strip().removeprefix("$ ").replace("\\\n", " ")
    assert tuple(shlex.split(command)) == words
    if width >= 40:
        assert all(len(line) <= width for line in text.splitlines())


def test_a_rule_and_symbols_are_for_terminals_alone() -> None:
    piped = Screen(is_terminal=False)

    assert Screen(width=12)(Rule("Next")) == "\nNext ───────\n"
    assert piped(Rule("Next"), Headline("VALID", "signed")) == "\nNext\nvalid  signed\n"


def test_a_row_is_aligned_unless_the_terminal_is_too_narrow() -> None:
    block = Row((RowCell(NOW * 1000, 8, "instant_ms"), RowCell("valid", 11, "state")), "/hook")

    assert Screen()(block) == "13:08:09  ✓ valid      /hook\n"
    assert Screen(width=30)(block) == "13:08:09 ✓ valid /hook\n"


def test_colours_change_no_text_and_leave_no_spaces_at_the_end() -> None:
    blocks: list[Block] = [Headline("INVALID", "failed: body"), Section("Title", "note")]
    blocks += [Labelled((("cause", "the body of the request differs from the signed one"),))]
    blocks += [Commands((("retry", "qstash"),)), Prompt(("qstash", "dev")), Rule("Next")]

    coloured = Screen(width=30, colour=True)(*blocks)

    assert coloured.startswith("\x1b[1;31m✗ invalid\x1b[0m\x1b[1m  failed: body\x1b[0m\n")
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == Screen(width=30)(*blocks)
