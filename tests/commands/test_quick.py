"""The quick reading of a command line, held against Typer's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli import cli
from qstash_cli.commands import _quick

# Texts that mean something, or nearly, to one of the commands.
TEXTS = (
    "https://example.com/a",
    "orders",
    "a=1",
    "b:=2",
    "-",
    "--",
    "",
    "-d",
    "-dx",
    "--data",
    "--data=",
    "--data=x=y",
    "--delay",
    "10m",
    "--delay=1h",
    "--wait",
    "--wait=1",
    "--label",
    "a,b",
    "--label=c",
    "-H",
    "X-A: 1",
    "-HX-B: 2",
    "-q",
    "-qv",
    "-o",
    "json",
    "-ojson",
    "-o=json",
    "--json",
    "--help",
    "-h",
    "--nope",
    "--delay-x",
    "--callback",
    "list",
    "get",
    "cancel",
    "-y",
    "--all",
    "--yes",
    "-1",
    "--retries",
    "3",
    "--limit",
    "publish",
    "--no-check",
    "--signature",
    "a.b.c",
    "--body",
    "x",
)
WORDS = ("publish", "batch", "message", "verify", "logs", "urlgroup", "flow", "api", "completion")


def typers_reading(word: str, argv: list[str]) -> tuple[str, dict[str, Any]] | None:
    """The verb and the texts that Typer finds, None if it refuses them."""
    command = cli.load(word)
    try:
        if hasattr(command, "commands"):
            context = command.make_context(word, list(argv))
            _, command, argv = command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
        return command.name, command.make_context(command.name, list(argv)).params
    except Exception:  # noqa: BLE001 - whatever it says, nothing is called
        return None


@given(word=st.sampled_from(WORDS), argv=st.lists(st.sampled_from(TEXTS), max_size=6))
def test_what_is_read_quickly_is_what_typer_reads(word: str, argv: list[str]) -> None:
    read = _quick.read(cli.word_of(word), argv)

    if read is not None:
        verb, values = read
        found = typers_reading(word, argv)
        assert found is not None
        assert _plain(values) == _plain(found[1])
        assert verb.name == found[0] or len(cli.word_of(word).verbs) == 1


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Typer has tuples for lists, and empty ones for what is left out."""
    return {
        name: None if value == () else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("word", "argv"),
    [
        ("publish", ["https://example.com/a", "a=1", "-H", "X-A: 1", "--delay=1h", "--wait"]),
        ("publish", ["--", "https://example.com/a", "-d"]),
        ("message", ["cancel", "msg_1", "msg_2", "-y"]),
        ("logs", ["--label", "a", "--label", "b", "-ojson"]),
        ("verify", ["--signature", "a.b.c", "--body", "-", "--url", "https://example.com"]),
    ],
)
def test_usual_command_lines_are_read_quickly(word: str, argv: list[str]) -> None:
    assert _quick.read(cli.word_of(word), argv) is not None


@pytest.mark.parametrize(
    "argv", [[], ["--help"], ["a", "--nope"], ["a", "--delay"], ["a", "--wait=1"], ["a", "-qv"]]
)
def test_what_typer_has_words_for_is_left_to_it(argv: list[str]) -> None:
    assert _quick.read(cli.word_of("publish"), argv) is None
