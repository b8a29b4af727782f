"""Flags that several filters share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qstash_cli.cli.flags import flag
from qstash_cli.errors import BadInput
from qstash_cli.protocol.instants import parse_past_instant_s

SECTION = "Filters"


def nonempty(text: str) -> str:
    """Returns a text unchanged. Raises `BadInput` for a blank one."""
    if not text.strip():
        raise BadInput("it is empty", hint="nothing was sent")
    return text


def filter_flag(
    text: str, metavar: str, parse: Callable[[str], Any] = nonempty, complete: str = ""
) -> Any:
    """Returns a dataclass field for a filter that may be given several times."""
    return flag(
        text, metavar=metavar, repeats=True, parse=parse, section=SECTION, complete=complete
    )


def since_flag() -> Any:
    """Returns a dataclass field for the start of a time range in unix milliseconds."""
    return flag(
        "Start of the time range, such as 1h or 2026-11-24T13:00Z",
        metavar="TIME",
        parse_at=_past_ms,
        section=SECTION,
    )


def until_flag() -> Any:
    """Returns a dataclass field for the end of a time range in unix milliseconds."""
    return flag("End of the time range", metavar="TIME", parse_at=_past_ms, section=SECTION)


def validate_range(since_ms: int | None, until_ms: int | None) -> None:
    """Raises `BadInput` for a time range that ends before it starts."""
    if since_ms is not None and until_ms is not None and since_ms > until_ms:
        raise BadInput("--since is after --until", hint="nothing was sent")


def _past_ms(text: str, now: float) -> int:
    return round(parse_past_instant_s(text, now) * 1000)
