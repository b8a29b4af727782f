"""A message as code for the official SDKs, and the code that connects them. Pure.

Source of the names: the published packages `qstash` and `@upstash/qstash`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import CALLBACK_FAMILIES, MessageOptions, table
from qstash_cli.protocol.value_types import DURATIONS

_NAMES = {
    "delay_s": "delay",
    "timeout_s": "timeout",
    "not_before_s": "not_before",
    "dedup_id": "deduplication_id",
    "dedup_content": "content_based_deduplication",
}
_OPTIONS = (
    "method", "delay_s", "not_before_s", "timeout_s", "retries", "retry_delay", "callback",
    "failure_callback", "dedup_id", "dedup_content", "label",
)  # fmt: skip
_FLOW = {"flow_key": "key", "parallelism": "parallelism", "rate": "rate", "period_s": "period"}
PYTHON_CLIENT = """\
import os

from qstash import QStash

client = QStash(os.environ["QSTASH_TOKEN"], base_url=os.environ["QSTASH_URL"])"""
TYPESCRIPT_CLIENT = """\
import { Client } from "@upstash/qstash"

const client = new Client({
  baseUrl: process.env.QSTASH_URL,
  token: process.env.QSTASH_TOKEN,
})"""


def python(destination: str, options: MessageOptions, body: str) -> str:
    """Returns the code that publishes a message with the Python SDK."""
    arguments = _arguments(destination, options)
    if options.label:
        arguments["label"] = ",".join(options.label)
    if options.headers:
        arguments["headers"] = dict(options.headers)
    for family in CALLBACK_FAMILIES:
        if (given := getattr(options, family.field)) is not None:
            name = f"{family.prefix.replace('-', '_')}_headers"
            arguments[name] = dict(encode(given, ""))
    parsed = _parsed(body)
    if body:
        arguments["body"] = body if parsed is None else parsed
    method = "enqueue" if options.queue else "publish"
    if options.queue:
        arguments = {"queue": options.queue} | arguments
    suffix = "" if parsed is None else "_json"
    lines = [f"    {name}={value!r}," for name, value in arguments.items()]
    return "\n".join([PYTHON_CLIENT, f"client.message.{method}{suffix}(", *lines, ")"])


def typescript(destination: str, options: MessageOptions, body: str) -> str:
    """Returns the code that publishes a message with the TypeScript SDK."""
    arguments = {_camel(name): value for name, value in _arguments(destination, options).items()}
    headers = dict(options.headers)
    for family in CALLBACK_FAMILIES:
        if (given := getattr(options, family.field)) is not None:
            headers |= dict(encode(given, f"Upstash-{family.prefix.title()}-"))
    if headers:
        arguments["headers"] = headers
    parsed = _parsed(body)
    if body:
        arguments["body"] = body if parsed is None else parsed
    suffix = "" if parsed is None else "JSON"
    call = f"publish{suffix}"
    if options.queue:
        call = f"queue({{ queueName: {json.dumps(options.queue)} }}).enqueue{suffix}"
    code = json.dumps(arguments, indent=2, ensure_ascii=False)
    return f"{TYPESCRIPT_CLIENT}\nawait client.{call}({code})"


def _arguments(destination: str, options: MessageOptions) -> dict[str, Any]:
    kinds = {name: option.kind for name, option in table()}
    found: dict[str, Any] = {"url" if is_url(destination) else "url_group": destination}
    for name in _OPTIONS:
        value = getattr(options, name)
        if value is None or value == ():
            continue
        if kinds[name] in DURATIONS:
            value = format_duration(value)
        found[_NAMES.get(name, name)] = list(value) if isinstance(value, tuple) else value
    if options.flow_key is not None:
        limits = {short: getattr(options, name) for name, short in _FLOW.items()}
        found["flow_control"] = {name: one for name, one in limits.items() if one is not None}
    if options.redact:
        found["redact"] = _redact(options.redact)
    return found


def _redact(fields: tuple[str, ...]) -> Mapping[str, Any]:
    found: dict[str, Any] = {"body": True} if "body" in fields else {}
    names = [one[len("header[") : -1] for one in fields if one.startswith("header[")]
    if "header" in fields or names:
        found["header"] = True if "header" in fields else names
    return found


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
