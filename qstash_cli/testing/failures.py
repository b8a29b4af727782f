"""The messages of failed assertions, with what happened to the messages of the test."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import UTC

from qstash_cli.commands.message.screen import Shown, blocks_of
from qstash_cli.output.blocks import Block, Section
from qstash_cli.output.screen import write_screen
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.protocol.message_details import Body
from qstash_cli.testing.deliveries import (
    ExpectedBody,
    LoggedMessage,
    matches_url,
    merged_record,
)

_MAX_SHOWN = 3
_WIDTH = 100
# What does not explain why a message was not delivered.
_OMITTED = {"Request headers"}


def explain(expected: str, url: str | None, messages: Sequence[LoggedMessage], now_ms: int) -> str:
    """Returns what was expected, and the timelines of the messages that come closest."""
    closest = [one for one in messages if matches_url(one, url)]
    lines = [expected]
    if closest:
        to = "" if url is None else f" to {url}"
        lines.append(f"{_count(len(closest))} published{to}:")
    elif messages:
        lines.append(f"No message was published to {url}, but {_count(len(messages))} elsewhere:")
        closest = list(messages)
    else:
        lines.append("No message was published.")
    shown = closest[-_MAX_SHOWN:]
    if len(shown) < len(closest):
        lines.append(f"(the newest {len(shown)} of them)")
    return "\n".join([*lines, *(f"\n{timeline(one, now_ms)}" for one in shown)])


def describe(url: str | None, body: ExpectedBody) -> str:
    """Returns which messages an assertion is about."""
    to = "" if url is None else f" to {url}"
    return to if body is None else f"{to} with body {body!r}"


def there_were(found: Sequence[LoggedMessage]) -> str:
    """Returns how many deliveries matched, as part of a sentence."""
    if len(found) == 1:
        return "there was 1"
    return f"there were {len(found):,}" if found else "there was none"


def timeline(message: LoggedMessage, now_ms: int) -> str:
    """Returns what happened to a message, as `qstash message show` displays it."""
    out = io.StringIO()
    terminal = TerminalInfo(
        is_terminal=True,
        width=_WIDTH,
        colour=False,
        now=lambda: now_ms / 1000,
        time_zone=UTC,
    )
    shown = Shown(
        record=merged_record(message),
        dlq_id=None,
        history=message.history,
        body=Body(message.body),
        now_ms=now_ms,
        is_verbose=False,
    )
    write_screen(_without_omitted(blocks_of(shown)), out, terminal)
    return out.getvalue().rstrip("\n")


def _without_omitted(blocks: Iterator[Block]) -> Iterator[Block]:
    is_omitted = False
    for block in blocks:
        if isinstance(block, Section):
            is_omitted = block.title in _OMITTED
        if not is_omitted:
            yield block


def _count(number: int) -> str:
    return "1 message was" if number == 1 else f"{number:,} messages were"
