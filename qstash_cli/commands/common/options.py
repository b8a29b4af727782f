"""Options shared by several commands: bodies and waiting."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag
from qstash_cli.protocol.durations import parse_duration_s


@dataclass(frozen=True, kw_only=True)
class PublishWaitOptions:
    """Whether and how long to wait for the delivery of a message."""

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
    """How long to wait for the delivery of a message."""

    wait_timeout: int = flag(
        "Maximum wait [default: 60s]", metavar="DURATION", parse=parse_duration_s, default=60
    )


@dataclass(frozen=True, kw_only=True)
class BodyOptions:
    """The source of the body."""

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
