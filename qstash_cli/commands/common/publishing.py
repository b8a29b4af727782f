"""Publishes messages and waits for their delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from qstash_cli.cli.context import Context
from qstash_cli.client.api import messages
from qstash_cli.commands.common.deliveries import FOLLOWED, Deliveries
from qstash_cli.commands.common.options import PublishWaitOptions
from qstash_cli.commands.common.views import PUBLISHED
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.options import MessageOptions

if TYPE_CHECKING:
    from qstash_cli.protocol.records import Published


def send(
    ctx: Context,
    destination: str,
    options: MessageOptions,
    body: bytes,
    waiting: PublishWaitOptions,
) -> Result:
    """Publishes a message and, if requested, waits for its delivery."""
    return ctx.write(
        messages.publish(destination, options, body),
        lambda response: _published(ctx, response, waiting),
        later=FOLLOWED if waiting.wait else "",
    )


def _published(
    ctx: Context, response: Published | list[Published], waiting: PublishWaitOptions
) -> Result:
    published = response if isinstance(response, list) else [response]
    if not published:
        raise QstashError(
            "QStash's response names no message",
            hint="does the URL group have endpoints? `qstash urlgroup list` displays them",
        )
    return result_of(ctx, response, waiting=waiting)


def published(ids: Sequence[str]) -> str:
    """Returns the sentence that confirms a publish."""
    return f"Published {amount(len(ids), 'message')}"


def _nothing() -> None:
    return None


def result_of(
    ctx: Context,
    published: Published | Iterable[Published],
    *,
    waiting: PublishWaitOptions,
    done: Callable[[Sequence[str]], str] = published,
    incomplete: Callable[[], QstashError | None] = _nothing,
) -> Result:
    """Returns the result of a publish, which writes the ids before it waits for the deliveries.

    `done` returns the confirmation for the ids of the messages. `incomplete` is called after the
    last id; it returns the error for messages that were not published.
    """

    def error() -> QstashError | None:
        not_published = incomplete()
        not_delivered = deliveries.failure() if waiting.wait else None
        if not_published is not None and not_delivered is not None:
            ctx.warn(not_published.message)
        elif waiting.wait and not (not_published or not_delivered):
            deliveries.report()
        return not_delivered or not_published

    deliveries = Deliveries(ctx, waiting.wait_timeout)
    noted: Published | Iterator[Published]
    if isinstance(published, dict):
        noted = deliveries.note(cast("Published", published))
    else:
        noted = map(deliveries.note, published)
    return Result(
        data=noted,
        view=PUBLISHED,
        piped="ids",
        # The wait ends with a different sentence.
        done="" if waiting.wait else lambda: done(deliveries.ids),
        error=error,
        on_interrupt=deliveries.interrupted,
    )
