"""Reconstructs the request to a destination from QStash's record of a message.

Source: QStash OpenAPI document, "Message", "Log" and "DLQ" schemas.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.protocol.delivery import Delivery
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.records import LogEntry, Message
from qstash_cli.protocol.redaction import is_redacted
from qstash_cli.protocol.shapes import mismatch

_REDACTED_HINT = "the message was published with --redact, and QStash stores only a hash"
# The end of a body with an incomplete literal or number.
_LITERALS = ("true", "false", "null")
_NUMBER = re.compile(r"[-.]|[eE][+-]?")
# The standard library has no other way to report that the text ends within a string.
_IN_A_STRING = ("Unterminated string", "Invalid \\uXXXX escape")


def of_message(record: Message) -> Delivery:
    """Returns the delivery of a message or DLQ entry.

    Raises `BadInput` if a part of it is redacted, or if the record is not valid: in long lists,
    not every field has been validated yet.
    """
    _raise_if_invalid(record, Message)
    text, encoded = record.get("body") or "", record.get("bodyBase64")
    body = _decoded(encoded) if encoded else text.encode(errors="surrogatepass")
    return _delivery(record, body, text)


def of_log_entry(entry: LogEntry, *, retried: int = 0) -> Delivery:
    """Returns the delivery of a log entry, with the number of previous attempts.

    Raises `BadInput` if a part of it is redacted, if its body is truncated, or if the entry is not
    valid: in long lists, not every field has been validated yet.
    """
    _raise_if_invalid(entry, LogEntry)
    if not entry.get("url"):
        raise BadInput("it has no URL", hint="QStash did not log one for this entry")
    body = _decoded(entry.get("body") or "")
    _raise_if_truncated(entry.get("header") or {}, body)
    return _delivery(entry, body, body.decode("utf-8", "replace"), retried=retried)


def _raise_if_invalid(record: object, shape: object) -> None:
    found = mismatch(record, shape)
    if found is not None:
        raise BadInput(
            f"it is not valid: {found.path} {found.problem}",
            hint="is the URL that of QStash's API?",
        )


def _delivery(record: Mapping[str, Any], body: bytes, text: str, *, retried: int = 0) -> Delivery:
    if is_redacted(text):
        raise BadInput("its body is redacted", hint=_REDACTED_HINT)
    return Delivery(
        message_id=record["messageId"],
        method=record.get("method") or "POST",
        url=record["url"],
        body=body,
        headers=_headers(record.get("header") or {}),
        retried=retried,
        caller_ip=record.get("callerIP") or "",
        urlgroup=record.get("topicName") or "",
        schedule_id=record.get("scheduleId") or "",
    )


def _headers(lists: Mapping[str, list[str]]) -> Headers:
    pairs = tuple((name, value) for name, values in lists.items() for value in values)
    hidden = [name for name, value in pairs if is_redacted(value)]
    if hidden:
        raise BadInput(f"its header {hidden[0]} is redacted", hint=_REDACTED_HINT)
    return pairs


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise BadInput(
            "its body is truncated", hint="the base64 in QStash's record is incomplete"
        ) from None


def _raise_if_truncated(headers: Mapping[str, list[str]], body: bytes) -> None:
    # QStash does not mark truncated bodies; JSON that ends prematurely is the only sign.
    types = [
        v for name, values in headers.items() if name.lower() == "content-type" for v in values
    ]
    if body and any("json" in one.lower() for one in types) and _ends_prematurely(body):
        raise BadInput("its body is truncated", hint="it is JSON that ends prematurely")


def _ends_prematurely(body: bytes) -> bool:
    try:
        json.loads(body)
    except json.JSONDecodeError as fault:
        rest = fault.doc[fault.pos :].strip()
        is_begun = any(one.startswith(rest) for one in _LITERALS) or _NUMBER.fullmatch(rest)
        return fault.msg.startswith(_IN_A_STRING) or bool(is_begun)
    except UnicodeDecodeError as fault:
        return fault.reason == "unexpected end of data"
    except (ValueError, RecursionError):
        return False
    return False
