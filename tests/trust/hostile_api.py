"""Responses in QStash's format in which every string is hostile."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from qstash_cli.protocol import records
from qstash_cli.protocol.record_types import record_types

# Terminal escapes, Rich markup, GitHub workflow commands, bidirectional overrides and separators.
# It sets no colours, so that those of `qstash` itself can be distinguished.
HOSTILE = (
    "x\x1b]0;owned\x07\x1b[2J\x1b[3A\x9b2K\x90q\x9c[bold red]m[/bold red][/]:smile:\t|\rCR"
    "\n::add-mask::owned\nerror: owned\n\x00\x08\x7f\u202eevil\u2066\u200b\u2028\ufeff\ud800"
    "\U000e0041日本 \"'`$(owned)\\,;=#%"
)
INVALID = HOSTILE.encode(errors="ignore") + b"\xff\xfe\xc3("
WIDE = "w" * 1_000_000

Responses = Mapping[tuple[str, str], tuple[int, Any]]


def made(shape: Any, text: str, **kept: Any) -> Any:
    """Builds a value of the shape in which every string is `text`, except for `kept`."""
    if is_typeddict(shape):
        hints = get_type_hints(shape)
        return {name: kept.get(name, made(one, text, **kept)) for name, one in hints.items()}
    if get_origin(shape) is dict:
        return {text: made(get_args(shape)[1], text)}
    if get_origin(shape) is UnionType:
        return made(get_args(shape)[0], text, **kept)
    if get_origin(shape) is list:
        return [made(get_args(shape)[0], text, **kept)]
    return {str: text, int: 1_725_323_658_779, bool: False}[shape]


def responses(text: str, **kept: Any) -> Responses:
    """Builds the response of every endpoint with `text` for each string, except for `kept`."""
    kept = {"cursor": "", "cancelled": 3} | kept
    name, log_body = text.encode(errors="replace").decode(), b64encode(INVALID).decode()
    shapes = record_types()
    one = {shape: made(shapes[shape], text, **kept) for shape in (
        "Published", "Scheduled", "Message", "DlqEntry", "Cancelled", "Deleted", "Retried",
        "SigningKeys", "Schedule", "FlowControl", "GlobalParallelism", "Queue", "UrlGroup",
        "BulkAction", "WorkflowRun", "CancelledRuns", "Notified", "FailedRun",
        "StartedRun", "StartedRuns",
    )}  # fmt: skip
    log = made(records.LogEntry, text, **{"body": log_body} | kept)
    of_a_message = {**one["Message"], "bodyBase64": b64encode(INVALID).decode()}
    entry = {**one["DlqEntry"], "bodyBase64": b64encode(INVALID).decode()}
    ordered: dict[str, Any] = {
        "/v2/publish": one["Published"], "/v2/enqueue": one["Published"],
        "/v2/batch": [one["Published"] | {"error": name}],
        "/v2/dlq/retry": one["Retried"], "/v2/dlq/": entry,
        "/v2/dlq": {"messages": [entry, entry], "cursor": ""} | one["Deleted"],
        "/v2/messages/": of_a_message, "/v2/messages": one["Cancelled"],
        "/v2/bulkActions/": one["BulkAction"],
        "/v2/bulkActions": {"bulkActions": [one["BulkAction"]]},
        "/v2/logs": {"logs": [log, log], "cursor": ""},
        "/v2/schedules/": one["Schedule"], "/v2/schedules": [one["Schedule"]],
        "/v2/topics/": one["UrlGroup"], "/v2/topics": [one["UrlGroup"]],
        "/v2/queues/": one["Queue"], "/v2/queues": [one["Queue"]],
        "/v2/keys": one["SigningKeys"],
        "/v2/workflows/events": {"runs": [one["WorkflowRun"]], "cursor": ""},
        "/v2/workflows/runs": one["CancelledRuns"], "/v2/notify/": [one["Notified"]],
        "/v2/workflows/dlq/": one["FailedRun"],
        "/v2/workflows/dlq": {"messages": [one["FailedRun"]], "cursor": ""} | one["Deleted"],
        "/v2/globalParallelism": one["GlobalParallelism"],
        "/v2/flowControl/": one["FlowControl"], "/v2/flowControl": [one["FlowControl"]],
        "/": one["Message"],
    }  # fmt: skip
    of_method: dict[tuple[str, str], Any] = {
        ("POST", "/v2/dlq/retry/"): one["Published"], ("POST", "/v2/schedules/"): one["Scheduled"],
        ("DELETE", "/v2/messages/"): one["Cancelled"],
        **{("POST", f"/v2/workflows/dlq/{action}"): one[shape] for action, shape in (
            ("resume/", "StartedRun"), ("resume", "StartedRuns"), ("restart/", "StartedRun"),
            ("restart", "StartedRuns"), ("callback/", "StartedRun"),
        )},
    }  # fmt: skip
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        of_method |= {(method, path): content for path, content in ordered.items()
                      if (method, path) not in of_method}  # fmt: skip
    return {key: (200, content) for key, content in of_method.items()}
