"""Types of message option values: parsing flags, and encoding and decoding headers.

Source of the header grammars: QStash docs, "Publish a message", header parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol import backoff, ids, redaction
from qstash_cli.protocol.destination import missing_scheme, validate_url
from qstash_cli.protocol.durations import format_duration, parse_duration_s, parse_period_s
from qstash_cli.protocol.instants import parse_instant_s

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class ValueType(NamedTuple):
    """Converts a value from a flag, to a header and from a header.

    If `repeats`, values are tuples, and those of repeated flags are concatenated. `parse_at` also
    takes the current time in unix seconds; it replaces `parse` for flags with relative times.
    """

    metavar: str
    parse: Callable[[str], Any]
    encode: Callable[[Any], str]
    decode: Callable[[str], Any]
    repeats: bool = False
    parse_at: Callable[[str, float], Any] | None = None


def _plain(
    metavar: str,
    read: Callable[[str], Any],
    encode: Callable[[Any], str] = str,
    *,
    decode: Callable[[str], Any] | None = None,
    repeats: bool = False,
) -> ValueType:
    return ValueType(metavar, read, encode, decode or read, repeats)


def _count(minimum: int, max_digits: int = 17) -> Callable[[str], int]:
    def read(text: str) -> int:
        text = text.strip()
        is_number = text.isascii() and text.isdigit() and len(text) <= max_digits
        if not is_number or int(text) < minimum:
            raise BadInput(f"not a whole number of at least {minimum}: {text!r}")
        return int(text)

    return read


def _rate(text: str) -> int:
    if "/" in text:
        raise BadInput(
            f"not a whole number: {text!r}",
            hint="--rate 100 --period 1m limits deliveries; `batch --pace 100/s` limits sending",
        )
    return _count(1)(text)


def _method(text: str) -> str:
    if text.strip().upper() not in METHODS:
        raise BadInput(f"not an HTTP method: {text!r}", hint=f"use one of {', '.join(METHODS)}")
    return text.strip().upper()


def _parse_bool(text: str) -> bool:
    if text.strip().lower() not in {"true", "false"}:
        raise BadInput(f"not true or false: {text!r}")
    return text.strip().lower() == "true"


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(","))


def _present_items(text: str) -> tuple[str, ...]:
    return tuple(item for item in _items(text) if item)


def _labels(text: str) -> tuple[str, ...]:
    labels = _items(text)
    if not all(labels):
        raise BadInput(f"empty label: {text!r}", hint="separate labels with single commas")
    return labels


def _callback_url(text: str) -> str:
    if not re.match(r"https?://[^/]", text.strip(), re.IGNORECASE):
        raise missing_scheme("the callback URL has", text.strip())
    validate_url(text.strip())
    return text.strip()


def _parse_text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise BadInput(f"empty or not printable: {text!r}")
    return text.strip()


TEXT = _plain("TEXT", _parse_text)
NAME = _plain("NAME", lambda text: ids.validate_name(text, "queue or schedule"))
COUNT = _plain("N", _count(0))
POSITIVE = _plain("N", _count(1))
RATE = _plain("N", _rate)
METHOD = _plain("METHOD", _method)
URL = _plain("URL", _callback_url)
SWITCH = _plain("", _parse_bool, lambda value: str(value).lower())
DURATION = _plain("DURATION", parse_duration_s, format_duration)
PERIOD = _plain("DURATION", parse_period_s, format_duration)
DURATIONS = (DURATION, PERIOD)
EXPRESSION = _plain("EXPR", lambda text: backoff.validate_expression(text.strip()))
DEDUPLICATION_ID = _plain("ID", ids.validate_deduplication_id)
LABELS = _plain("LABEL", _labels, ",".join, decode=_present_items, repeats=True)
REDACT_FIELDS = _plain("FIELD", redaction.parse_fields, ",".join, repeats=True)
INSTANT = ValueType(
    "TIME",
    _count(0, 15),
    str,
    _count(0, 15),
    parse_at=lambda text, now: round(parse_instant_s(text, now)),
)
