"""The common parts of batch items: destination, headers and ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from qstash_cli.batch.rows import FileFormat
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.ids import validate_name

DEDUPLICATION_ID = "Upstash-Deduplication-Id"
CONTENT_TYPE = "Content-Type"
JSON_TYPE = "application/json"
_TRACE = ("upstash-forward-traceparent", "upstash-forward-tracestate")
_BY_CONTENT = "upstash-content-based-deduplication"


class Template(NamedTuple):
    """The parts that all items share. A record that is null has no content type."""

    destination: str
    headers: dict[str, str]
    headers_of_null: dict[str, str]
    queue: str | None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to convert rows to items.

    With `to` or `destination_field`, a row is a body; without them, it is a whole item. `headers`
    and `queue` are defaults for items. `job` is the prefix of deduplication ids. `validate` takes
    destination, headers and queue, and returns the destination to send; `validate_body` takes the
    length of the body in bytes. Both raise `BadInput`. `trace` returns the headers of an item that
    has no trace context.
    """

    file_format: FileFormat
    job: str
    validate: Callable[[str, Headers, str | None], str]
    validate_body: Callable[[int], None]
    to: str | None = None
    destination_field: str | None = None
    dedup_field: str | None = None
    delay_field: str | None = None
    headers: Headers = ()
    queue: str | None = None
    trace: Callable[[], Headers] | None = None

    @property
    def row_is_body(self) -> bool:
        """Whether a row is only a body."""
        return self.to is not None or self.destination_field is not None

    @cached_property
    def template(self) -> Template | None:
        """The template of the items, or None if items differ in more than body and line.

        Raises `BadInput` if no item can be valid.
        """
        picks = self.destination_field or self.dedup_field or self.delay_field
        headers = dict(self.headers)
        if self.to is None or picks or DEDUPLICATION_ID in headers or is_by_content(headers):
            return None
        typed = headers if has_content_type(headers) else headers | {CONTENT_TYPE: JSON_TYPE}
        for one in (headers, typed):
            destination = self.validate(self.to, tuple(one.items()), self.queue)
        queue = validate_name(self.queue, "queue") if self.queue else None
        return Template(destination, typed, headers, queue)


def has_trace(headers: Mapping[str, str]) -> bool:
    """Whether the headers forward a trace context."""
    return any(name.lower() in _TRACE for name in headers)


def is_by_content(headers: Mapping[str, str]) -> bool:
    """Whether QStash deduplicates an item with these headers by its content."""
    return any(n.lower() == _BY_CONTENT and v.lower() == "true" for n, v in headers.items())


def has_content_type(headers: Mapping[str, str]) -> bool:
    """Whether the headers set a content type."""
    return any(name.lower() == "content-type" for name in headers)
