"""JSON that no terminal obeys and every parser reads (RFC 8259)."""

from __future__ import annotations

import json
import re
from typing import Any

from qstash_cli.output.safe import UNSAFE


def pretty(value: Any) -> str:
    """Over several lines, indented by two."""
    return _escaped(json.dumps(value, ensure_ascii=False, indent=2, default=dict))


def compact(value: Any) -> str:
    """On one line, without blanks."""
    return _escaped(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict))


def _escaped(text: str) -> str:
    # Such characters are only ever inside strings, but for the line feeds between the lines.
    return text if text.isascii() and "\x7f" not in text else re.sub(UNSAFE, _escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\n":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
