"""Metadata of dataclass fields that are command-line options, and arguments without a field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, field
from typing import Any, NamedTuple


class Flag(NamedTuple):
    """An option: its names (by default the name of the field), help and parser.

    `parse` takes the text and raises `BadInput`. `parse_at` also takes the time in unix seconds,
    and replaces `parse` for relative times. A flag without a `metavar` is a switch. `complete` is
    the kind of value that shells offer, such as `queue`, or a list of values: `jsonl|csv`.
    `old_names` are accepted, but absent from help, completion and documentation.
    """

    help: str
    names: tuple[str, ...] = ()
    metavar: str = ""
    parse: Callable[[str], Any] | None = None
    repeats: bool = False
    section: str = "Options"
    complete: str = ""
    parse_at: Callable[[str, float], Any] | None = None
    old_names: tuple[str, ...] = ()


class Argument(NamedTuple):
    """An argument: its help, its name there, and the kind of value that shells offer."""

    help: str
    metavar: str
    complete: str = ""


def flag(text: str, *names: str, default: Any = MISSING, **more: Any) -> Any:
    """Returns a dataclass field for a flag with this help."""
    record = Flag(help=text, names=names, **more)
    if default is MISSING:
        default = () if record.repeats else None if record.metavar else False
    return field(default=default, metadata={"flag": record})
