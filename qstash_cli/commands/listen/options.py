"""The flags of `qstash listen`."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag
from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.numbers import parse_count, parse_port

STATUSES = range(200, 600)


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) in STATUSES):
        raise BadInput(f"not a response status: {text!r}", hint="between 200 and 599")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class ListenOptions:
    """Where to listen, and how to respond."""

    port: int = flag("Port [default: a free one]", metavar="PORT", parse=parse_port, default=0)
    to: str | None = flag(
        "URL to deliver requests to; its response is returned",
        metavar="URL",
        old_names=("--forward",),
    )
    save: str | None = flag("Directory that each request is saved in", metavar="DIR")
    status: int = flag(
        "Status code of the response [default: 200]", metavar="STATUS", parse=_status, default=200
    )
    fail_first: int = flag(
        "Number of requests that get a 500 response first",
        metavar="N",
        parse=parse_count,
        default=0,
    )
    latency: int = flag(
        "Delay before the response", metavar="DURATION", parse=parse_duration_s, default=0
    )
