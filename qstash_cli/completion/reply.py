"""Replies to a shell that requests completions. If anything fails, the reply is empty."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

from qstash_cli.cli.context import Context
from qstash_cli.cli.index import CommandIndex
from qstash_cli.completion.engine import Offered, offered
from qstash_cli.output.safe import UNSAFE, safe_text

_DESCRIPTION = 72
# Shells take these characters literally. Values with other characters are quoted for bash.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-")


def reply(ctx: Context, index: CommandIndex) -> None:
    """Writes the completions of the command line in the environment."""
    try:
        text = "".join(f"{line}\n" for line in _lines(ctx, index))
    except Exception:  # noqa: BLE001 - the shell would print an error in the middle of the prompt
        return
    ctx.streams.out.write(text)


def split(line: str) -> tuple[list[str], str, bool]:
    """Splits a command line into its complete words and the incomplete word.

    The last value is true if a quote is open.
    """
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        return words, lexer.token, True
    if not line or line[-1].isspace():
        return words, "", False
    return words[:-1], words[-1], False


def _lines(ctx: Context, index: CommandIndex) -> Iterator[str]:
    shell = ctx.system.env.get("_QSTASH_COMPLETE", "")
    words, incomplete, is_quoted = split(ctx.system.env.get("_QSTASH_LINE", "").lstrip())
    while words and "=" in words[0]:
        del words[0]
    offer = offered(_silenced(ctx), index, words[1:], incomplete)
    if offer is None:
        return
    found = [
        (f"{offer.before}{value}", _described(description))
        for value, description in offer.values
        if not re.search(UNSAFE, value)
    ]
    if not found:
        yield "files" if _takes_files(offer) else "values"
        return
    yield "open" if all(value[-1:] in ":=" for value, _ in found) else "values"
    if shell == "bash":
        yield from _for_bash(found, incomplete, ctx.system.env.get("_QSTASH_WORD", ""), is_quoted)
    else:
        yield from (f"{value}\t{description}" for value, description in found)


def _silenced(ctx: Context) -> Context:
    return replace(ctx, streams=ctx.streams._replace(err=StringIO()))


def _takes_files(offer: Offered) -> bool:
    metavar = offer.metavar
    return "FILE" in metavar or "CMD" in metavar or metavar in {"TEXT", "JSON"}


def _described(text: str) -> str:
    text = safe_text(" ".join(text.split()))
    return text if len(text) <= _DESCRIPTION else f"{text[: _DESCRIPTION - 1]}…"


def _for_bash(
    found: list[tuple[str, str]], incomplete: str, word: str, is_quoted: bool
) -> Iterator[str]:
    """Returns the values as bash inserts them: quoted, and without the part before its own word.

    The word of bash starts after a colon or an equals sign.
    """
    head = incomplete.removesuffix(word) if incomplete.endswith(word) else ""
    for value, _ in found:
        if _PLAIN.issuperset(value):
            yield value.removeprefix(head)
        elif not is_quoted:
            yield shlex.quote(value.removeprefix(head))
