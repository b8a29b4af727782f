"""What a dataclass field says of the command-line flag it stands for, and an argument of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, field
from typing import Any, NamedTuple


class Flag(NamedTuple):
    """One option: its names (by default the field's), its help, and how its text is parsed.

    `parse` gets the text and raises `BadInput`; `parse_at` gets the time in unix seconds, too, and
    replaces it for relative times. A flag without a `metavar` is a switch. `complete` is the kind
    of value that shells offer, such as `queue`, or the values themselves: `jsonl|csv`.
    """

    help: str
    names: tuple[str, ...] = ()
    metavar: str = ""
    parse: Callable[[str], Any] | None = None
    repeats: bool = False
    section: str = "Options"
    complete: str = ""
    parse_at: Callable[[str, float], Any] | None = None


class Argument(NamedTuple):
    """One argument: its help, how it is called there, and the kind of value that shells offer."""

    help: str
    metavar: str
    complete: str = ""


def flag(text: str, *names: str, default: Any = MISSING, **more: Any) -> Any:
    """A dataclass field that is a flag with this help."""
    record = Flag(help=text, names=names, **more)
    if default is MISSING:
        default = () if record.repeats else None if record.metavar else False
    return field(default=default, metadata={"flag": record})
