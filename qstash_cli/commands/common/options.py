"""Flags that several commands share: bodies and waiting."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag
from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import parse_duration_s

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


@dataclass(frozen=True, kw_only=True)
class PublishWaitOptions:
    """Whether and how long to follow a message to its end."""

    wait: bool = flag("Wait until the message is delivered or has failed", section="Message")
    wait_timeout: int = flag(
        "Maximum wait [default: 60s]",
        metavar="DURATION",
        parse=parse_duration_s,
        default=60,
        section="Message",
    )


@dataclass(frozen=True, kw_only=True)
class WaitOptions:
    """How long to follow a message."""

    wait_timeout: int = flag(
        "Maximum wait [default: 60s]", metavar="DURATION", parse=parse_duration_s, default=60
    )


@dataclass(frozen=True, kw_only=True)
class BodyOptions:
    """Where the body comes from."""

    data: str | None = flag(
        "Body: TEXT, @FILE, or - for standard input",
        "-d",
        "--data",
        metavar="TEXT",
        section="Body",
    )
    data_json: str | None = flag(
        "Like --data, but must be valid JSON; sets Content-Type", metavar="JSON", section="Body"
    )
