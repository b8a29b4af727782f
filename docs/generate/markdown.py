"""Markdown that reads the same on every forge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SOURCE = "<!-- Generated from the source code by `python3 -m docs.generate`. Do not edit. -->"


def page(title: str, summary: str, *parts: str) -> str:
    """Returns a page. `summary` says what its reader will be able to do."""
    return "\n\n".join([f"# {title}", summary, *parts, _SOURCE]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table. The cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines)


def code(text: str) -> str:
    """Returns a text in monospace, for any place, including the cell of a table."""
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def prose(text: str) -> str:
    """Returns a help text as Markdown: names of flags and variables become code."""
    parts = re.split(r"(`[^`]*`)", text)
    marked = (part if part.startswith("`") else _marked(part) for part in parts)
    return "".join(marked).replace("|", "\\|")


def _marked(text: str) -> str:
    # Site generators would turn the dashes of a flag into a dash of typography.
    names = re.split(
        r"((?<![\w-])--?[A-Za-z][\w*-]*|(?<![\w-])--(?![\w-])|\b[A-Z]+_[A-Z0-9_*]+)", text
    )
    return "".join(
        code(part) if index % 2 else re.sub(r"([<>*])", r"\\\1", part)
        for index, part in enumerate(names)
    )


def anchor(heading: str) -> str:
    """Returns the anchor that forges and site generators give a heading."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
