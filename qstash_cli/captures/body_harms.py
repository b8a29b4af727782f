"""Which of the usual harms turned a signed body into the one that was captured.

Each harm is undone, and named only if the hash of what comes out is the signed one.
"""

from __future__ import annotations

import ast
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlencode

from qstash_cli.captures.capture import decoded_base64
from qstash_cli.captures.finding import Finding

_RAW = "hand the raw bytes of the request to the check, before anything parses them"
# Two harms in a row are looked for in small bodies only, so that the answer stays quick.
_MOST_FOR_PAIRS = 8_192
_MOST_INFLATED = 67_108_864
_BOM = b"\xef\xbb\xbf"
_ROUND = tuple(
    n * unit for unit in (1000, 1024, 1_000_000, 1_048_576) for n in (1, 4, 8, 10, 16, 64, 100, 256)
)

Candidates = Iterator[tuple[str, bytes]]


def find(body: bytes, signed_hash: bytes) -> Finding | None:
    """What explains that the hash of `body` is not the signed one, None if nothing known does."""

    def is_signed(candidate: bytes) -> bool:
        return sha256(candidate).digest() == signed_hash

    if body and is_signed(b""):
        return Finding("body", "the signed body is empty", "is this body of another request?")
    for what, candidate in _undone(body):
        if is_signed(candidate):
            return Finding("body", what, _RAW)
    if len(body) <= _MOST_FOR_PAIRS:
        for first, between in _undone(body):
            for second, candidate in _undone(between):
                if is_signed(candidate):
                    return Finding("body", f"{second}, and then {first}", _RAW)
    return _cut(body)


def _cut(body: bytes) -> Finding | None:
    if len(body) not in _ROUND:
        return None
    return Finding(
        "body",
        f"the body has exactly {len(body)} bytes, so that it may have been cut (not proven)",
        "look for a size limit of the server, the framework or the log",
    )


def _undone(body: bytes) -> Candidates:
    for harm in _HARMS:
        yield from ((what, candidate) for what, candidate in harm(body) if candidate != body)


def _line_ends(body: bytes) -> Candidates:
    for end, name in ((b"\r\n", "CRLF"), (b"\n", "newline")):
        if body.endswith(end):
            yield f"a {name} at its end was added", body.removesuffix(end)
        yield f"the {name} at its end was lost", body + end
    plain = body.replace(b"\r\n", b"\n")
    yield "LF became CRLF", plain
    yield "CRLF became LF", plain.replace(b"\n", b"\r\n")
    yield "blanks around it were added", body.strip()


def _byte_order_mark(body: bytes) -> Candidates:
    yield "a byte order mark was added", body.removeprefix(_BOM)
    yield "its byte order mark was lost", _BOM + body


def _encodings(body: bytes) -> Candidates:
    for wrong in ("latin-1", "cp1252"):
        yield from _tried(
            f"UTF-8 was read as {wrong} and written as UTF-8",
            partial(_recoded, body, "utf-8", wrong),
        )
        yield from _tried(f"UTF-8 was written as {wrong}", partial(_recoded, body, wrong, "utf-8"))


def _recoded(body: bytes, read_as: str, written_as: str) -> bytes:
    return body.decode(read_as).encode(written_as)


def _packings(body: bytes) -> Candidates:
    decoded = decoded_base64(body.decode("latin-1")) if body else None
    if decoded is not None:
        yield "it is base64 and was not decoded", decoded
    if body[:2] == b"\x1f\x8b":
        yield from _tried("it is gzip and was not unpacked", lambda: _inflated(body))
    if body[:2] in {b"b'", b'b"'}:
        yield from _tried(
            "Python's repr of bytes was taken for the bytes",
            lambda: bytes(ast.literal_eval(body.decode())),
        )


def _inflated(body: bytes) -> bytes:
    return zlib.decompressobj(31).decompress(body, _MOST_INFLATED)


def _forms(body: bytes) -> Candidates:
    text = body.decode("utf-8", "surrogateescape")
    yield "it was not decoded as a form", unquote_plus(text).encode("utf-8", "replace")
    if text.endswith("="):
        yield "a form parser read it as a name", unquote_plus(text[:-1]).encode("utf-8", "replace")
    yield from _tried("a form was decoded", lambda: quote_plus(text, safe="=&").encode())
    yield from _tried("a form was decoded", lambda: quote(text, safe="=&").encode())
    yield from _tried(
        "a form was parsed and written again", lambda: urlencode(parse_qsl(text, True)).encode()
    )


def _json_again(body: bytes) -> Candidates:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    if isinstance(value, str):
        yield "it was written as a JSON string", value.encode("utf-8", "replace")
    for (name, changed), (form, options) in product(_numbers(value), _FORMS):
        for text in _written(changed, options):
            what = f"JSON was parsed and written again ({form}{name})"
            yield what, text.encode("utf-8", "surrogatepass")
    yield "JSON was put into a string", json.dumps(body.decode("utf-8", "replace")).encode()


def _written(value: Any, options: dict[str, Any]) -> Iterator[str]:
    for ascii_only in (False, True):
        try:
            text = json.dumps(value, ensure_ascii=ascii_only, **options)
        except (ValueError, TypeError, RecursionError):
            return
        yield text
        if "/" in text:
            # As PHP writes it.
            yield text.replace("/", "\\/")


def _numbers(value: Any) -> Iterator[tuple[str, Any]]:
    yield "", value
    yield ", 1 for 1.0", _mapped(value, lambda n: float(n) if type(n) is int else n)
    yield (
        ", 1.0 for 1",
        _mapped(value, lambda n: int(n) if type(n) is float and n.is_integer() else n),
    )


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _mapped(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    try:
        return change(value)
    except OverflowError:
        return value


def _tried(what: str, undo: Callable[[], bytes]) -> Candidates:
    try:
        yield what, undo()
    except (ValueError, TypeError, SyntaxError, zlib.error, MemoryError, RecursionError):
        return


_SPACINGS: Iterable[tuple[str, dict[str, Any]]] = (
    ("the original had no blanks", {"separators": (",", ":")}),
    ("the original had blanks", {}),
    ("the original was indented by 2", {"indent": 2}),
    ("the original was indented by 4", {"indent": 4}),
)
_FORMS = [
    *_SPACINGS,
    *((f"{name}, sorted", options | {"sort_keys": True}) for name, options in _SPACINGS),
]
_HARMS = (_line_ends, _byte_order_mark, _packings, _json_again, _encodings, _forms)
