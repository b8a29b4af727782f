"""Converts rows to batch items. Source: QStash docs, "Batch"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.json import Encoder

from qstash_cli.batch.lines import Lines, Row
from qstash_cli.batch.recipe import (
    CONTENT_TYPE,
    DEDUPLICATION_ID,
    JSON_TYPE,
    Recipe,
    Template,
    has_content_type,
    has_trace,
    is_by_content,
)
from qstash_cli.batch.rows import FileFormat, Piece, rows_in
from qstash_cli.errors import BadInput
from qstash_cli.json_lines import line_parser
from qstash_cli.protocol.durations import format_duration, parse_duration_s
from qstash_cli.protocol.exported import IDENTIFYING, decoded_body
from qstash_cli.protocol.ids import validate_deduplication_id, validate_name
from qstash_cli.protocol.suggestions import did_you_mean

_FIELDS = ("destination", "headers", "body", "queue")
# Fields of exported messages.
_EXPORTED = ("bodyBase64", *IDENTIFYING)
_HEADER_COLUMNS = ("upstash-", "content-type")


class Record(Struct, frozen=True, gc=False):
    """A row as a batch item in JSON, or the reason why it is not valid."""

    row: Row
    line: int
    item: bytes = b""
    destination: str = ""
    error: str = ""


class RecordGroup(NamedTuple):
    """Lines of the input, and the records in them."""

    lines: list[Lines]
    records: list[Record]


def records_of(pieces: Iterable[Piece | None], recipe: Recipe) -> Iterator[RecordGroup | None]:
    """Yields the records of each piece, and None if the input pauses."""
    for piece in pieces:
        if piece is None:
            yield None
        else:
            yield RecordGroup(piece.lines, [record_of(row, recipe) for row in rows_in(piece)])


def record_of(row: Row, recipe: Recipe) -> Record:
    """Converts a row to a record."""
    if row.error:
        return Record(row, row.line, error=row.error)
    try:
        template = recipe.template
        if template is not None:
            return Record(
                row, row.line, _from_template(template, row, recipe), template.destination
            )
        item = _body_item(row, recipe) if recipe.row_is_body else _own_item(row, recipe)
        return Record(row, row.line, _sent(item, row, recipe), item["destination"])
    except BadInput as error:
        return Record(row, row.line, error=error.message)


def _from_template(template: Template, row: Row, recipe: Recipe) -> bytes:
    destination, typed, untyped, queue = template
    record, body = _record_and_body(row, recipe.file_format)
    # The columns of a CSV row become JSON; any other row is the body, unchanged.
    recipe.validate_body(len(row.text) if row.fields is None else len(body.encode()))
    headers = (untyped if record is None else typed).copy()
    headers[DEDUPLICATION_ID] = f"{recipe.job}-{row.line}"
    if recipe.trace is not None:
        headers |= recipe.trace()
    item: dict[str, Any] = {"destination": destination, "headers": headers, "body": body}
    if queue:
        item["queue"] = queue
    return _encode_item(item)


def _sent(item: dict[str, Any], row: Row, recipe: Recipe) -> bytes:
    headers: dict[str, str] = item["headers"]
    queue = item.get("queue")
    body = item.get("body", "")
    given_id = headers.pop(DEDUPLICATION_ID, None)
    item["destination"] = recipe.validate(item["destination"], tuple(headers.items()), queue)
    if given_id is not None:
        headers[DEDUPLICATION_ID] = validate_deduplication_id(given_id)
    elif not is_by_content(headers):
        headers[DEDUPLICATION_ID] = f"{recipe.job}-{row.line}"
    if recipe.trace is not None and not has_trace(headers):
        if is_by_content(headers):
            raise BadInput("a record that is deduplicated by its content cannot have a trace")
        headers |= recipe.trace()
    try:
        if "bodyBase64" in item:
            recipe.validate_body(len(decoded_body(item)))
        else:
            _validate_size(body, recipe)
        return _encode_item(item)
    except UnicodeEncodeError:
        raise BadInput("the record contains an unpaired surrogate") from None


def _validate_size(body: str, recipe: Recipe) -> None:
    recipe.validate_body(len(body) if body.isascii() else len(body.encode()))


# Encodes the bodies. The result must not depend on the library that encodes the items.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_item = Encoder().encode


def _body_item(row: Row, recipe: Recipe) -> dict[str, Any]:
    record, body = _record_and_body(row, recipe.file_format)
    headers = dict(recipe.headers)
    if record is not None and not has_content_type(headers):
        headers[CONTENT_TYPE] = JSON_TYPE
    if recipe.dedup_field is not None:
        headers[DEDUPLICATION_ID] = _picked(record, recipe.dedup_field)
    if recipe.delay_field is not None:
        delay = _picked(record, recipe.delay_field, may_be_empty=True)
        if delay:
            headers["Upstash-Delay"] = format_duration(parse_duration_s(delay))
    destination = recipe.to or ""
    if recipe.destination_field is not None:
        destination = _picked(record, recipe.destination_field)
    return _item(destination, headers, body, recipe.queue)


def _record_and_body(row: Row, file_format: FileFormat) -> tuple[Any, str]:
    if row.fields is not None:
        return row.fields, _encode(row.fields)
    text = _text(row.text)
    return (None if file_format == "lines" else _parse(row.text)), text


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        raise BadInput(f"not UTF-8 at byte {fault.start}") from None


def _not_json(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_not_json)


def _parsed(data: bytes) -> Any:
    text = _text(data)
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as fault:
        raise BadInput(f"not JSON: {fault.msg} at column {fault.colno}") from None
    except (ValueError, RecursionError) as fault:
        raise BadInput(f"not JSON: {fault}") from None


_parse = line_parser(_parsed)


def _picked(record: Any, path: str, *, may_be_empty: bool = False) -> str:
    value = record
    if isinstance(value, dict) and path in value:
        value = value[path]
    else:
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    if value is None or value == "":
        if may_be_empty:
            return ""
        raise BadInput(f"the field is missing or empty: {path}")
    if isinstance(value, bool | dict | list):
        raise BadInput(f"the field is not a string or a number: {path}")
    return str(value)


def _item(
    destination: str, headers: dict[str, str], body: str, queue: str | None
) -> dict[str, Any]:
    item: dict[str, Any] = {"destination": destination, "headers": headers}
    if body:
        item["body"] = body
    if queue:
        item["queue"] = validate_name(queue, "queue")
    return item


def _own_item(row: Row, recipe: Recipe) -> dict[str, Any]:
    given = _from_columns(row.fields) if row.fields is not None else _parse(row.text)
    if not isinstance(given, dict):
        raise BadInput("the record is not a JSON object; with --to, any value is a body")
    for name in given:
        if name not in _FIELDS and name not in _EXPORTED:
            meant = did_you_mean(name, _FIELDS) or f"the fields are {', '.join(_FIELDS)}"
            raise BadInput(f"unknown field {name!r}; {meant}")
    own = _headers(given.get("headers"))
    named = {name.lower() for name in own}
    headers = {n: v for n, v in recipe.headers if n.lower() not in named} | own
    body = _body(given.get("body"), headers)
    queue = given.get("queue") or recipe.queue
    if not isinstance(queue, str | None):
        raise BadInput("the queue is not a string")
    destination = given.get("destination")
    if not isinstance(destination, str):
        raise BadInput("the record has no destination; add --to to set one for all records")
    item = _item(destination, headers, body, queue)
    if given.get("bodyBase64") is not None:
        if body:
            raise BadInput("the record has both a body and a bodyBase64")
        item |= _binary_body(given)
    return item


def _binary_body(given: Mapping[str, Any]) -> dict[str, str]:
    data = decoded_body(given)
    try:
        return {"body": data.decode()}
    except UnicodeDecodeError:
        return {"bodyBase64": given["bodyBase64"]}


def _from_columns(fields: Mapping[str, str]) -> dict[str, Any]:
    headers, item = {}, {}
    for name, value in fields.items():
        if not value:
            continue
        if name.lower().startswith(_HEADER_COLUMNS):
            headers[name] = value
        else:
            item[name] = value
    return {**item, "headers": headers}


def _headers(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadInput("the headers are not an object")
    headers = {}
    for name, value in given.items():
        if isinstance(value, dict | list) or value is None:
            raise BadInput(f"the header value is not a string: {name}")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        headers[DEDUPLICATION_ID if name.lower() == DEDUPLICATION_ID.lower() else name] = text
    return headers


def _body(given: Any, headers: dict[str, str]) -> str:
    if given is None:
        return ""
    if isinstance(given, str):
        return given
    if not has_content_type(headers):
        headers[CONTENT_TYPE] = JSON_TYPE
    return _encode(given)
