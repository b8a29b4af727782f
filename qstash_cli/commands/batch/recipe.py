"""Creates the recipe for the items of a `batch` run, with their validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from qstash_cli.batch.recipe import Recipe
from qstash_cli.batch.rows import FileFormat
from qstash_cli.cli.context import Context
from qstash_cli.commands.batch.options import RecordOptions
from qstash_cli.commands.common import message_validation
from qstash_cli.protocol.conflicts import raise_if_conflicting
from qstash_cli.protocol.destination import validate_destination
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.limits import validate_limits
from qstash_cli.protocol.option_headers import decode, encode
from qstash_cli.protocol.options import MessageOptions

# Most records of a file differ only in their bodies, and many bodies have the same size.
_CACHE_SIZE = 4096


def recipe_of(
    ctx: Context,
    file_format: FileFormat,
    records: RecordOptions,
    options: MessageOptions,
    new_span: Callable[[], Headers] | None,
    *,
    job: str,
    validates: bool,
) -> Recipe:
    """Returns the recipe of a run. `job` is the prefix of the deduplication ids.

    `new_span` returns the headers that a message forwards, unless it has a trace context.
    """
    return Recipe(
        file_format=file_format,
        job=job,
        validate=_validate(ctx) if validates else lambda destination, _headers, _queue: destination,
        validate_body=_validate_body(ctx) if validates else lambda _body_bytes: None,
        to=records.to,
        destination_field=records.destination_field,
        dedup_field=records.dedup_field,
        delay_field=records.delay_field,
        headers=encode(replace(options, queue=None)),
        queue=options.queue,
        trace=_encoded(new_span) if new_span is not None else None,
    )


def _encoded(new_span: Callable[[], Headers]) -> Callable[[], Headers]:
    return lambda: encode(MessageOptions(headers=new_span()))


def _validate(ctx: Context) -> Callable[[str, Headers, str | None], str]:
    @lru_cache(maxsize=_CACHE_SIZE)
    def validate(destination: str, headers: Headers, queue: str | None) -> str:
        destination = validate_destination(destination)
        options = decode(headers)
        raise_if_conflicting(options, "enqueue" if queue or options.queue else "publish")
        message_validation.validate(ctx, destination, options, 0)
        return destination

    return validate


def _validate_body(ctx: Context) -> Callable[[int], None]:
    settings = ctx.config.settings_if_any
    plan = settings.plan if settings else None

    @lru_cache(maxsize=_CACHE_SIZE)
    def validate_body(body_bytes: int) -> None:
        validate_limits(plan, body_bytes=body_bytes, delay_s=None, timeout_s=None)

    return validate_body
