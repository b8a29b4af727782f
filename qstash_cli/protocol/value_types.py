"""The kinds of value that a message option can have: how a flag's text and a header's text are read
and written. Source of the header grammars: QStash docs, "Publish a message", header parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol import backoff, ids, redaction
from qstash_cli.protocol.destination import validate_url
from qstash_cli.protocol.durations import format_duration, parse_duration_s, parse_period_s
from qstash_cli.protocol.instants import parse_instant_s

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Kind(NamedTuple):
    """How a value is read from a flag, written to a header and read from one.

    `parse` gets the time in unix seconds for relative times. `repeats` marks tuples that add up.
    """

    metavar: str
    parse: Callable[[str, float], Any]
    encode: Callable[[Any], str]
    decode: Callable[[str], Any]
    repeats: bool = False


def _plain(
    metavar: str,
    read: Callable[[str], Any],
    encode: Callable[[Any], str] = str,
    *,
    decode: Callable[[str], Any] | None = None,
    repeats: bool = False,
) -> Kind:
    return Kind(metavar, lambda text, _now: read(text), encode, decode or read, repeats)


def _count(least: int, most_digits: int = 17) -> Callable[[str], int]:
    def read(text: str) -> int:
        text = text.strip()
        is_number = text.isascii() and text.isdigit() and len(text) <= most_digits
        if not is_number or int(text) < least:
            raise BadInput(f"not a whole number of at least {least}: {text!r}")
        return int(text)

    return read


def _method(text: str) -> str:
    if text.strip().upper() not in METHODS:
        raise BadInput(f"not a method: {text!r}", hint=f"one of {', '.join(METHODS)}")
    return text.strip().upper()


def _yes(text: str) -> bool:
    if text.strip().lower() not in {"true", "false"}:
        raise BadInput(f"neither true nor false: {text!r}")
    return text.strip().lower() == "true"


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(","))


def _present_items(text: str) -> tuple[str, ...]:
    return tuple(item for item in _items(text) if item)


def _labels(text: str) -> tuple[str, ...]:
    labels = _items(text)
    if not all(labels):
        raise BadInput(f"an empty label: {text!r}", hint="separate labels with single commas")
    return labels


def _callback_url(text: str) -> str:
    if not re.match(r"https?://[^/]", text.strip(), re.IGNORECASE):
        raise BadInput(
            f"a callback needs a URL with http:// or https://: {text!r}",
            hint=f"try https://{text.strip()}",
        )
    validate_url(text.strip())
    return text.strip()


def _visible(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise BadInput(f"empty, or with characters that cannot be printed: {text!r}")
    return text.strip()


TEXT = _plain("TEXT", _visible)
NAME = _plain("NAME", lambda text: ids.validate_name(text, "queue or schedule"))
COUNT = _plain("N", _count(0))
POSITIVE = _plain("N", _count(1))
METHOD = _plain("METHOD", _method)
URL = _plain("URL", _callback_url)
SWITCH = _plain("", _yes, lambda value: str(value).lower())
DURATION = _plain("DURATION", parse_duration_s, format_duration)
PERIOD = _plain("DURATION", parse_period_s, format_duration)
DURATIONS = (DURATION, PERIOD)
EXPRESSION = _plain("EXPR", lambda text: backoff.validate_expression(text.strip()))
DEDUPLICATION_ID = _plain("ID", ids.validate_deduplication_id)
LABELS = _plain("LABEL", _labels, ",".join, decode=_present_items, repeats=True)
REDACT_FIELDS = _plain("FIELD", redaction.parse_fields, ",".join, repeats=True)
INSTANT = Kind("TIME", lambda text, now: round(parse_instant_s(text, now)), str, _count(0, 15))
