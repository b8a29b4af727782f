"""Message options under the names that QStash's JSON has for them."""

from __future__ import annotations

from typing import Any

from qstash_cli.protocol.headers import as_lists
from qstash_cli.protocol.options import MessageOptions, table
from qstash_cli.server.http import redaction

DEFAULT_METHOD = "POST"
_DEFAULT_PERIOD_S = 1
_JSON_NAMES = {field: option.json for field, option in table() if option.json}


def option_fields(options: MessageOptions, *fields: str) -> dict[str, Any]:
    """Returns these fields of the options, and the first label, under their JSON names."""
    values = {_JSON_NAMES[field]: _value(options, field) for field in fields}
    if "label" in fields:
        values["label"] = options.label[0] if options.label else None
    return values


def forwarded_headers(
    options: MessageOptions, family: MessageOptions | None
) -> dict[str, list[str]]:
    """Returns the headers that a message or one of its callbacks forwards, redacted."""
    return redaction.headers(options.redact, as_lists(family.headers) if family else {})


def _value(options: MessageOptions, field: str) -> Any:
    if field == "method":
        return options.method or DEFAULT_METHOD
    if field == "period_s":
        return (options.period_s or _DEFAULT_PERIOD_S) if options.flow_key is not None else None
    value = getattr(options, field)
    return list(value) if isinstance(value, tuple) else value
