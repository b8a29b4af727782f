"""Numbers as text."""

from __future__ import annotations

from qstash_cli.errors import BadInput

_MAX_DIGITS = 9
_MAX_PORT = 65_535


def parse_count(text: str) -> int:
    """A whole number of at least one. Raises `BadInput`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text)):
        raise BadInput(f"not a whole number of at least 1: {text!r}")
    return int(text)


def parse_whole_number(text: str) -> int:
    """A whole number, zero included. Raises `BadInput`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise BadInput(f"not a whole number: {text!r}")
    return int(text)


def parse_port(text: str) -> int:
    """A port. Raises `BadInput`."""
    if not (text.isascii() and text.isdigit() and int(text) <= _MAX_PORT):
        raise BadInput(f"not a port: {text!r}", hint="0 picks a free one")
    return int(text)
