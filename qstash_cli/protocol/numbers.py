"""Numbers as text."""

from __future__ import annotations

import re

from qstash_cli.errors import BadInput

_MAX_DIGITS = 9
_MAX_PORT = 65_535
_PACE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)/(s|m|h)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600}


def parse_count(text: str) -> int:
    """Parses a whole number of at least one. Raises `BadInput`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text)):
        raise BadInput(f"not a whole number of at least 1: {text!r}")
    return int(text)


def parse_whole_number(text: str) -> int:
    """Parses a whole number, including zero. Raises `BadInput`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise BadInput(f"not a whole number: {text!r}")
    return int(text)


def parse_port(text: str) -> int:
    """Parses a port. Raises `BadInput`."""
    if not (text.isascii() and text.isdigit() and int(text) <= _MAX_PORT):
        raise BadInput(f"not a port: {text!r}", hint="0 picks a free one")
    return int(text)


def amount(count: int, noun: str) -> str:
    """Returns a number and its noun: `1 message`, `1,200 DLQ entries`."""
    return f"{count:,} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Returns the plural of a regular noun."""
    return f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"


def parse_pace_per_s(text: str) -> float:
    """Returns a pace such as 600/m as a number per second. Raises `BadInput`."""
    match = _PACE.fullmatch(text.strip())
    per_s = float(match[1]) / _UNIT_S[match[2]] if match else 0.0
    if not per_s:
        raise BadInput(f"not a pace: {text!r}", hint="examples: 100/s, 600/m, 3600/h")
    return per_s
