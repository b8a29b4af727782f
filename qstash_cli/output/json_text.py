"""JSON that is safe for a terminal and valid for every parser (RFC 8259)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from qstash_cli.errors import QstashError
from qstash_cli.output.safe import UNSAFE


def pretty(value: object) -> str:
    """Returns JSON indented by two spaces. Raises `QstashError` for a value nested too deeply."""
    return _dumped(value, indent=2)


def compact(value: object) -> str:
    """Returns JSON on one line, without spaces. Raises like `pretty`."""
    return _dumped(value, separators=(",", ":"))


def _dumped(value: object, **form: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=dict, **form)
    except ValueError:
        return _dumped(_finite(value), **form)
    except RecursionError:
        raise too_deep() from None
    return _escaped(text)


def too_deep() -> QstashError:
    """Returns the error for a value that is nested too deeply."""
    return QstashError(
        "the response is nested too deeply to display", hint="-q prints the ids alone"
    )


def _finite(value: object) -> object:
    """Replaces numbers that JSON cannot express, such as 1e999, with null."""
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _escaped(text: str) -> str:
    # Such characters occur only inside strings, except for the line feeds between lines.
    return text if text.isascii() and "\x7f" not in text else re.sub(UNSAFE, _escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\n":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
