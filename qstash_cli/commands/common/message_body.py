"""Reads a message's body from `--data`, `--data-json` or `key=value` items."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from qstash_cli.cli.context import Context
from qstash_cli.commands.common.options import BodyOptions
from qstash_cli.errors import BadInput
from qstash_cli.files import read_file
from qstash_cli.protocol.options import MessageOptions

_JSON = ("Content-Type", "application/json")


def read(
    ctx: Context, items: Sequence[str], body: BodyOptions, options: MessageOptions
) -> tuple[bytes, MessageOptions]:
    """Returns the body's bytes, and the options with the content type of the body.

    Raises `BadInput` if there are two bodies, or invalid JSON.
    """
    sources = [
        name
        for name, given in (
            ("items", bool(items)),
            ("--data", body.data is not None),
            ("--data-json", body.data_json is not None),
        )
        if given
    ]
    if len(sources) > 1:
        raise BadInput(f"more than one body: {' and '.join(sources)}", hint="nothing was sent")
    if items:
        text = json.dumps(_object(items), ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="surrogateescape"), _with_json_type(options)
    if body.data_json is not None:
        return _validated_json(ctx.read_body(body.data_json)), _with_json_type(options)
    if body.data is not None:
        return ctx.read_body(body.data), options
    ctx.warn_of_unused_input()
    return b"", options


def _with_json_type(options: MessageOptions) -> MessageOptions:
    if any(name.lower() == "content-type" for name, _ in options.headers):
        return options
    return replace(options, headers=(_JSON, *options.headers))


def _validated_json(data: bytes) -> bytes:
    try:
        json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise BadInput(
            f"--data-json: not JSON: {fault}", hint="use --data to send it as it is"
        ) from None
    return data


def _object(items: Sequence[str]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for item in items:
        name, value = _item(item)
        if name in fields:
            raise BadInput(f"the field is given twice: {name}", hint="nothing was sent")
        fields[name] = value
    return fields


def _item(item: str) -> tuple[str, object]:
    name, equals, text = item.partition("=")
    is_json = name.endswith(":")
    name = name.removesuffix(":")
    if not equals or not name:
        raise BadInput(
            f"not key=value or key:=json: {item!r}", hint="quote items that contain spaces"
        )
    data = read_file(text[1:]) if text.startswith("@") else text.encode(errors="surrogateescape")
    try:
        return name, json.loads(data) if is_json else data.decode()
    except UnicodeDecodeError:
        raise BadInput(f"not UTF-8, which JSON requires: {item!r}") from None
    except ValueError as fault:
        raise BadInput(
            f"the value of {name} is not JSON: {fault}", hint=f"write {name}={text} for a text"
        ) from None
