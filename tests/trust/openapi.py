"""A small OpenAPI document of the server's operations, with hostile examples."""

from __future__ import annotations

import re
from typing import Any

from qstash_cli.protocol.options import table
from tests.conformance.operations import OPERATIONS, Operation

_NOWHERE = "http://127.0.0.1:9/"
_URLS = [
    _NOWHERE, "http://", "http://[", "http://[::1", "http://127.0.0.1:99999/", "http:///x",
    "http://127.0.0.1:9/../../v2/keys", "http://127.0.0.1:9/%00", "http://127.0.0.1:9/\r\nX: y",
    "https://user:pass@127.0.0.1:9/", "http://127.0.0.1:9/é", "nobody", "",
    "http://.../", "http://xn--/", "http://127.0.0.1:9?a#b", "http://127.0.0.1:x/", "\x00",
    "http://127.0.0.1:9/" + "a" * 5000, "//127.0.0.1", "group",
]  # fmt: skip
_TEXTS = [
    "", "-1", "0", "1", "9" * 17, "9" * 400, "1e400", "nan", "true", "a:b", "a\x00b", "²",
    "body,headers[x]", "rate=1", "rate=99999999999999999,period=99999999999999999s",
    "parallelism=1",
    "1000*pow(2,retried)", "99999999999999999d", "1d10h", "* * * * *", "1 1 1 1 1#1/2", "L L L L L",
    f"{'9' * 5000} * * * *", "CRON_TZ=../../etc/passwd * * * * *", "CRON_TZ=Europe * * * * *",
    "-" * 300 + "1", "(" * 300 + "1", "ceil(1e308)" + "*ceil(1e308)" * 30, "x\r\nInjected: 1",
    "1/1/1/1 * * * *", "0 0 31 2 *", "1 1 1 1 L", "0 0 * * 1L,2#1/2", *_URLS[:9],
]  # fmt: skip
_TEXT = {"anyOf": [{"type": "string"}, {"enum": _TEXTS}]}
_URL = {"anyOf": [{"type": "string", "maxLength": 5}, {"enum": _URLS}]}
_ANY: dict[str, Any] = {
    "anyOf": [_TEXT, {"type": "integer"}, {"type": "boolean"}, {"type": "array", "items": _TEXT},
              {"type": "object"}, {"enum": [10**30, -(10**30), 1e300, None]}]
}  # fmt: skip
OPTION_HEADERS = sorted(
    {f"Upstash-{option.header}" for _, option in table()}
    | {f"Upstash-Callback-{option.header}" for _, option in table() if option.callback}
    | {"Upstash-Forward-X", "Upstash-Forward-Host", "Upstash-Forward-Content-Length",
       "Upstash-Forward-Transfer-Encoding", "Upstash-Forward-"}
)  # fmt: skip
_HEADERS = {
    "type": "object",
    "properties": dict.fromkeys(OPTION_HEADERS, _ANY),
    "additionalProperties": _ANY,
}
_ENDPOINTS = {
    "type": "object",
    "properties": {
        "endpoints": {
            "type": "array",
            "items": {"type": "object", "properties": {"url": _URL, "name": _TEXT}},
        }
    },
}
_BULK = {
    "type": "object",
    "properties": dict.fromkeys(
        ("messageIds", "dlqIds", "label", "url", "fromDate", "async"), _ANY
    ),
}
_BODIES: dict[str, Any] = {
    "POST /v2/batch": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"destination": _URL, "headers": _HEADERS, "body": _ANY, "queue": _ANY},
            "required": ["destination"],
        },
    },
    "POST /v2/queues": {
        "type": "object",
        "properties": {
            "queueName": {"anyOf": [_ANY, {"enum": ["q"]}]},
            "parallelism": _ANY,
            "paused": _ANY,
        },
    },
    "POST /v2/topics/{topic}/endpoints": _ENDPOINTS,
    "DELETE /v2/topics/{topic}/endpoints": _ENDPOINTS,
    "PATCH /v2/topics/{topic}": {"type": "object", "properties": {"headers": _HEADERS}},
    "DELETE /v2/messages": _BULK,
    "DELETE /v2/dlq": _BULK,
    "POST /v2/dlq/retry": _BULK,
}
_TAKES_OPTIONS = ("/v2/publish", "/v2/enqueue", "/v2/schedules/{destination}", "/v2/dlq/retry")
# Shared names, so that operations find each other's resources.
_NAMES = {"queue": "q", "topic": "group", "flow": "f", "schedule": "s", "destination": "group"}


def document() -> dict[str, Any]:
    """Returns the document: every operation with its parameters, option headers and body."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {"openapi": "3.0.3", "info": {"title": "QStash", "version": "2"}, "paths": paths}


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": n, "in": "path", "required": True, "schema": _name(n)}
        for n in re.findall(r"\{(\w+)\}", operation.path)
    ]
    parameters += [{"name": n, "in": "query", "schema": _TEXT} for n in operation.query]
    if operation.path.startswith(_TAKES_OPTIONS):
        parameters += [{"name": n, "in": "header", "schema": _TEXT} for n in OPTION_HEADERS]
    body = _BODIES.get(str(operation))
    return {
        "parameters": parameters,
        "responses": {"200": {"description": "a success"}},
        **({"requestBody": {"content": {"application/json": {"schema": body}}}} if body else {}),
    }


def _name(parameter: str) -> dict[str, Any]:
    return {"anyOf": [{"type": "string"}, {"enum": [_NAMES.get(parameter, "x")]}]}
