"""`qstash retries`: show when each attempt of a message would happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.registry import command, group
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.output.blocks import Block, Chart, Listing, Section
from qstash_cli.output.charts import Attempt, timeline
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.backoff import DEFAULT_RETRIES, delay_ms, validate_expression
from qstash_cli.protocol.durations import format_duration, parse_duration_s

app = group()

_MAX_RETRIES = 1000
_VIEW = View(
    columns=(
        Column(name="attempt", of="attempt"),
        Column(name="retried", of="retried"),
        Column(name="waits", of=lambda row: _seconds(row["waitMs"])),
        Column(name="after", of=lambda row: _seconds(row["afterMs"])),
    ),
    id="attempt",
)


def _seconds(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return format_duration(seconds) if not rest or seconds >= 60 else f"{milliseconds / 1000:g}s"


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < _MAX_RETRIES):
        raise BadInput(f"not a number of retries: {text!r}", hint=f"0 to {_MAX_RETRIES - 1}")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class RetriesOptions:
    """The retries to plan."""

    retries: int = flag(
        "Number of retries [default: 3]",
        metavar="N",
        parse=_count,
        default=DEFAULT_RETRIES,
    )
    retry_delay: str | None = flag(
        "Retry delay in milliseconds, as an expression of `retried`",
        metavar="EXPR",
        parse=validate_expression,
    )
    recovery: int | None = flag(
        "Downtime of the endpoint; exits with 1 if the attempts end before it is over",
        metavar="DURATION",
        parse=parse_duration_s,
    )


@command(app, connects=False, view=_VIEW)
def retries(ctx: Context, *, options: RetriesOptions) -> Result:
    """Show when each attempt of a message would happen.

    Assumes that an attempt takes no time. A destination can change the delays with Retry-After.

    \b
    qstash retries --retries 5
    qstash retries --retries 5 --retry-delay 'pow(2, retried) * 1000' --recovery 30s
    """
    rows = list(_rows(options))
    last_ms = rows[-1]["afterMs"]
    failure = None
    if options.recovery is not None and last_ms < options.recovery * 1000:
        failure = QstashError(
            f"the last attempt is after {_seconds(last_ms)}, before the endpoint is back",
            hint="give more --retries or a longer --retry-delay",
        )
    elif options.recovery is not None:
        ctx.note(f"an endpoint that is back after {format_duration(options.recovery)} gets it")
    return Result(
        data=rows, view=_VIEW, error=failure, screen=lambda: _screen(rows, options.recovery)
    )


def _screen(rows: list[dict[str, int]], back_after_s: int | None) -> Iterator[Block]:
    """Yields the attempts as a timeline above their table."""
    attempts = []
    for row in rows:
        after_s = row["afterMs"] / 1000
        succeeds = None if back_after_s is None else after_s >= back_after_s
        attempts.append(Attempt(after_s, succeeds))
        if succeeds:
            # No attempt follows a successful one.
            break
    yield Chart(partial(timeline, attempts, back_after_s))
    yield Section()
    yield Listing(rows, _VIEW)


def _rows(options: RetriesOptions) -> Iterator[dict[str, int]]:
    after_ms = 0
    for retried in range(options.retries + 1):
        wait_ms = delay_ms(retried, options.retry_delay, (), 0) if retried else 0
        after_ms += wait_ms
        yield {"attempt": retried + 1, "retried": retried, "waitMs": wait_ms, "afterMs": after_ms}
