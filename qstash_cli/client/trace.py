"""The lines that `-v` prints for requests and responses, with secrets masked. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from qstash_cli.client.response import Response
from qstash_cli.protocol.headers import Headers, names_a_secret

MASK = "…"
_MAX_DISPLAYED = 4096
# Longer bodies are not parsed, so their secrets would not be found.
_MAX_BYTES = 1 << 20
_KEYS_PATH = "/v2/keys"
_KEYS = frozenset({"current", "next"})
_NAME = re.compile(r"(?i)password|passwd|(?:api|signing|private|access)[-_ ]?key")
# Bounded, so that a long text without a match takes linear time.
_IN_TEXT = (
    (re.compile(r"\bsig_[0-9A-Za-z]{4,}"), f"sig_{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic) +[0-9A-Za-z._~+/=-]{4,}"), rf"\1 {MASK}"),
    (
        re.compile(
            r"(?i)((?:cookie|token|secret|api[-_ ]?key|signature|password|passwd)[\w-]{0,40}"
            r"[\"']?\s{0,4}[:=]\s{0,4}[\"']?)[^\s\"'&,;{}\[\]…]+"
        ),
        rf"\1{MASK}",
    ),
)


def request_lines(
    method: str, url: str, headers: Headers, body: bytes, hide: Callable[[str], str]
) -> Iterator[str]:
    """Yields the lines of a request to QStash: its start, its headers, and its body if it has one.

    The token is not part of `headers`. `hide` masks the secrets of this run in a text.
    """
    yield f"> {method} {url}"
    yield f"> Authorization: Bearer {MASK}"
    yield from _header_lines(">", headers, hide)
    if body:
        yield from _body_lines(">", body, frozenset(), hide)


def response_lines(response: Response, path: str, hide: Callable[[str], str]) -> Iterator[str]:
    """Yields the lines of a response. `path` is that of its request; `hide` as above."""
    yield hide(f"< {response.status_code} {response.reason_phrase}")
    yield from _header_lines("<", response.headers.items(), hide)
    secret_fields = _KEYS if path.startswith(_KEYS_PATH) else frozenset[str]()
    yield from _body_lines("<", response.content, secret_fields, hide)


def _header_lines(
    mark: str, headers: Iterable[tuple[str, str]], hide: Callable[[str], str]
) -> Iterator[str]:
    for name, value in headers:
        yield f"{mark} {hide(name)}: {MASK if _is_secret(name) else hide(value)}"


def _body_lines(
    mark: str, body: bytes, secret_fields: frozenset[str], hide: Callable[[str], str]
) -> Iterator[str]:
    note = text = ""
    if len(body) > _MAX_BYTES:
        note = "; too long to display"
    else:
        try:
            # Secrets are masked before the text is cut, so that no part of a secret remains.
            text = hide(_masked_text(body.decode(), secret_fields)).removesuffix("\n")
        except UnicodeDecodeError:
            note = "; not text"
    if len(text) > _MAX_DISPLAYED:
        text, note = text[:_MAX_DISPLAYED], f"; the first {_MAX_DISPLAYED} characters are displayed"
    if text:
        yield from (f"{mark} {line}" for line in text.split("\n"))
    yield f"{mark} ({len(body)} bytes{note})"


def _masked_text(text: str, secret_fields: frozenset[str]) -> str:
    """Returns the text with its secrets masked. JSON without secrets does not change."""
    try:
        value = json.loads(text)
        masked = _masked(value, secret_fields)
        return text if masked == value else json.dumps(masked, ensure_ascii=False)
    except ValueError:
        return _without_secrets(text)
    except RecursionError:
        return ""


def _masked(value: Any, names: frozenset[str]) -> Any:
    match value:
        case dict():
            return {
                name: MASK if one and (name in names or _is_secret(name)) else _masked(one, names)
                for name, one in value.items()
            }
        case list():
            return [_masked(one, names) for one in value]
        case str():
            return _without_secrets(value)
        case _:
            return value


def _without_secrets(text: str) -> str:
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _is_secret(name: str) -> bool:
    return names_a_secret(name) or bool(_NAME.search(name))
