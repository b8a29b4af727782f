"""Undoes the changes that servers, proxies and tools make to a body.

Each function yields descriptions of a change with the body before that change. Time and memory
are proportional to the size of the body, unless the function checks the budget as it works.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlencode

from qstash_cli.captures import json_changes
from qstash_cli.captures.capture import decoded_base64
from qstash_cli.captures.search_budget import SearchBudget

Candidate = tuple[str, bytes]
Candidates = Iterator[Candidate]

_MAX_INFLATED_BYTES = 16 * 1_048_576
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The text between the quotes in the repr of a bytes object.
_IN_REPR = re.compile(rb"""[^\\]*+(?:\\(?:x[0-9a-f]{2}|[nrt'"\\])[^\\]*+)*+""")


def _line_ends(body: bytes, _budget: SearchBudget) -> Candidates:
    for end, name in ((b"\r\n", "CRLF"), (b"\n", "newline")):
        if body.endswith(end):
            yield f"a trailing {name} was added", body.removesuffix(end)
        yield f"the trailing {name} was removed", body + end
    plain = body.replace(b"\r\n", b"\n")
    yield "LF was converted to CRLF", plain
    yield "CRLF was converted to LF", plain.replace(b"\n", b"\r\n")
    yield "leading or trailing whitespace was added", body.strip()


def _byte_order_mark(body: bytes, _budget: SearchBudget) -> Candidates:
    yield "a byte order mark was added", body.removeprefix(_BYTE_ORDER_MARK)
    yield "the byte order mark was removed", _BYTE_ORDER_MARK + body


def _text_encodings(body: bytes, _budget: SearchBudget) -> Candidates:
    for wrong in ("latin-1", "cp1252"):
        yield from _if_possible(
            f"UTF-8 was decoded as {wrong} and re-encoded as UTF-8",
            partial(_recoded, body, "utf-8", wrong),
        )
        yield from _if_possible(
            f"the text was re-encoded from UTF-8 to {wrong}",
            partial(_recoded, body, wrong, "utf-8"),
        )


def _recoded(body: bytes, read_as: str, written_as: str) -> bytes:
    return body.decode(read_as).encode(written_as)


def _packings(body: bytes, _budget: SearchBudget) -> Candidates:
    decoded = decoded_base64(body.decode("latin-1"))
    if decoded is not None:
        yield "the body is still base64-encoded", decoded
    if body[:2] == b"\x1f\x8b":
        yield from _if_possible("the body is still gzip-compressed", lambda: _decompressed(body))
    is_literal = body[:2] in {b"b'", b'b"'} and body[-1:] == body[1:2]
    if is_literal and _IN_REPR.fullmatch(body, 2, len(body) - 1):
        yield "the body is the Python repr of a bytes object", _literal(body)


def _literal(body: bytes) -> bytes:
    return body[2:-1].decode("unicode_escape").encode("latin-1")


def _decompressed(body: bytes) -> bytes:
    return zlib.decompressobj(31).decompress(body, _MAX_INFLATED_BYTES)


def _forms(body: bytes, budget: SearchBudget) -> Candidates:
    text = body.decode("utf-8", "surrogateescape")
    yield "the body is still form-encoded", _encoded(unquote_plus(text))
    if text.endswith("="):
        yield "a form parser treated the body as a field name", _encoded(unquote_plus(text[:-1]))
    budget.raise_if_spent()
    yield from _if_possible(
        "a form-encoded body was decoded", lambda: quote_plus(text, safe="=&").encode()
    )
    yield from _if_possible(
        "a form-encoded body was decoded", lambda: quote(text, safe="=&").encode()
    )
    budget.raise_if_spent()
    yield from _if_possible(
        "a form-encoded body was parsed and re-encoded",
        lambda: urlencode(parse_qsl(text, True)).encode(),
    )


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _if_possible(what: str, undo: Callable[[], bytes]) -> Candidates:
    try:
        yield what, undo()
    except (ValueError, zlib.error):
        return


# Each change, with the size in bytes of the largest body it is tried on.
CHANGES: tuple[tuple[int, Callable[[bytes, SearchBudget], Candidates]], ...] = (
    (134_217_728, _line_ends),
    (134_217_728, _byte_order_mark),
    (67_108_864, _packings),
    (4_194_304, json_changes.undone),
    (67_108_864, _text_encodings),
    (1_048_576, _forms),
)
