"""Bodies as text for people: JSON indented, few lines, and nothing binary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from qstash_cli.errors import QstashError
from qstash_cli.output.json_text import pretty

if TYPE_CHECKING:
    from qstash_cli.protocol.headers import Headers
    from qstash_cli.protocol.message_details import Body

MAX_LINES, MAX_LINES_VERBOSE = 20, 500
_MAX_LINE_CHARACTERS = 400
# Longer bodies are not parsed: nobody reads all of them, and parsing takes memory.
_MAX_JSON_BYTES = 1 << 20


class DisplayedBody(NamedTuple):
    """A note such as `83 bytes, application/json`, and the text, or an empty string."""

    note: str
    text: str = ""


def display_body(body: Body, headers: Headers, max_lines: int) -> DisplayedBody:
    """Returns what to display of a body. The note says if the text is not all of it."""
    if body.state == "redacted":
        return DisplayedBody("redacted: QStash stores only a hash")
    if not body.data:
        return DisplayedBody("empty")
    note = ", ".join(part for part in (_size(body.data), _media_type(headers)) if part)
    if body.state == "truncated":
        note += ", truncated by QStash"
    text = _text(body.data)
    return DisplayedBody(f"{note}, binary") if text is None else _cut(note, text, max_lines)


def _size(data: bytes) -> str:
    return "1 byte" if len(data) == 1 else f"{len(data):,} bytes"


def _media_type(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _text(data: bytes) -> str | None:
    """Returns the text, with JSON indented; None for bytes that are not text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    if len(data) <= _MAX_JSON_BYTES and text.lstrip()[:1] in {"{", "["}:
        try:
            return pretty(json.loads(text))
        except (ValueError, RecursionError, QstashError):
            pass
    return text.replace("\r\n", "\n")


def _cut(note: str, text: str, max_lines: int) -> DisplayedBody:
    lines = text.rstrip("\n").split("\n")
    displayed = [cut_line(line) for line in lines[:max_lines]]
    if len(lines) > max_lines:
        note += f", first {max_lines} of {len(lines):,} lines"
    if displayed != lines[:max_lines]:
        note += ", long lines cut"
    return DisplayedBody(note, "\n".join(displayed))


def cut_line(line: str) -> str:
    """Returns the beginning of a line that is too long to read, with an ellipsis."""
    return line if len(line) <= _MAX_LINE_CHARACTERS else f"{line[:_MAX_LINE_CHARACTERS]}…"
