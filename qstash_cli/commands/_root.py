"""The root command as Typer has it: its words are imported when they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from typer.core import TyperCommand, TyperGroup

_HELP = """Operate Upstash QStash: send, inspect, replay and verify messages.

\b
qstash demo                                        see it work, needs no account
qstash dev                                         QStash on this machine
qstash publish https://example.com/hook name=ada   send a message
"""


class LazyRoot(TyperGroup):
    """The root command: its words are stubs until one of them is used."""

    load: Callable[[str], Any]
    other_names: Mapping[str, str]

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command of the first argument, whose module is imported now."""
        if args:
            args = [self.other_names.get(args[0], args[0]), *args[1:]]
        word, _, rest = super().resolve_command(ctx, args)
        return word, self.load(word or ""), rest


def root(
    words: Mapping[str, str], load: Callable[[str], Any], other_names: Mapping[str, str]
) -> LazyRoot:
    """The root of the command line, of words and their help lines; `load` gives a whole word."""
    made = LazyRoot(
        name="qstash",
        help=_HELP,
        commands={word: TyperCommand(word, help=text) for word, text in words.items()},
        no_args_is_help=True,
        rich_markup_mode=None,
        epilog="qstash COMMAND --help shows what a command can do, qstash help some topics.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    made.load = load
    made.other_names = other_names
    return made
