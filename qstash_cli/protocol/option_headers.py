"""Message options as request headers, and back.

Source of the header names: QStash docs, "Publish a message", header parameters.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import cache
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.protocol.headers import Headers, canonical_name, forwardable, validate_header
from qstash_cli.protocol.options import MessageOptions, Option, table

_FAMILIES = {"on_callback": "Callback-", "on_failure_callback": "Failure-Callback-"}
_FORWARD = "forward-"


def encode(
    options: MessageOptions,
    prefix: str = "Upstash-",
    *,
    without: Container[str] = (),
    forwards_all: bool = False,
) -> Headers:
    """Returns the request headers for `options`, leaving out the fields in `without`.

    Headers named `Upstash-...` are for QStash, unless `forwards_all`, which is the inverse of
    `decode`.
    """
    return (
        *_own_headers(options, prefix, without),
        *_forwarded(options.headers, prefix, forwards_all=forwards_all),
        *(
            header
            for name, infix in _FAMILIES.items()
            if (family := getattr(options, name)) is not None
            for header in encode(family, f"{prefix}{infix}", forwards_all=forwards_all)
        ),
    )


def _own_headers(
    options: MessageOptions, prefix: str, without: Container[str]
) -> Iterator[tuple[str, str]]:
    values: dict[str, list[str]] = {}
    for name, option in table():
        value = getattr(options, name)
        if value is not None and value != () and name not in without:
            text = option.kind.encode(value)
            values.setdefault(option.header, []).append(
                f"{option.part}={text}" if option.part else text
            )
    for header, texts in values.items():
        yield f"{prefix}{header}", ", ".join(texts)


def _forwarded(headers: Headers, prefix: str, *, forwards_all: bool) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        is_for_qstash = name.lower().startswith("upstash-") and not forwards_all
        is_plain = name.lower() == "content-type" and prefix == "Upstash-"
        yield (name if is_for_qstash or is_plain else f"{prefix}Forward-{name}"), value


def decode(headers: Iterable[tuple[str, str]]) -> MessageOptions:
    """Parses request headers to options, ignoring headers that are not options.

    `MessageOptions.headers` contain the headers for the destination, under canonical names. Raises
    `BadInput` naming the invalid header.
    """
    received = [(name.lower(), name, text) for name, text in headers]
    ours = [one for one in received if one[0].startswith("upstash-")]
    values, forwarded = _decode_family(ours, "upstash-")
    plain = tuple((name, text) for lower, name, text in received if lower == "content-type")[:1]
    if values.get("header_forward"):
        plain = forwardable((name, text) for _, name, text in received)
    return MessageOptions(
        **values,
        headers=_override(plain, forwarded),
        on_callback=_decode_callback(ours, "upstash-callback-"),
        on_failure_callback=_decode_callback(ours, "upstash-failure-callback-"),
    )


# The name in lower case, the name as written, and the value.
_Received = list[tuple[str, str, str]]


def _decode_callback(received: _Received, prefix: str) -> MessageOptions | None:
    values, forwarded = _decode_family([h for h in received if h[0].startswith(prefix)], prefix)
    return MessageOptions(**values, headers=forwarded) if values or forwarded else None


def _decode_family(received: _Received, prefix: str) -> tuple[dict[str, Any], Headers]:
    """Returns the options whose names have the prefix, and the headers to forward."""
    known = _by_header(callback=prefix != "upstash-")
    values: dict[str, Any] = {}
    forwarded: list[tuple[str, str]] = []
    for lower, name, text in received:
        suffix = lower[len(prefix) :]
        if suffix.startswith(_FORWARD) and suffix != _FORWARD:
            forwarded.append(validate_header(canonical_name(suffix.removeprefix(_FORWARD)), text))
        elif suffix in known:
            values |= _decode_header(canonical_name(name), text, known[suffix])
    return values, tuple(forwarded)


@cache
def _by_header(*, callback: bool) -> dict[str, dict[str, tuple[str, Option]]]:
    found: dict[str, dict[str, tuple[str, Option]]] = {}
    for name, option in table():
        if option.callback or not callback:
            found.setdefault(option.header.lower(), {})[option.part] = (name, option)
    return found


def _decode_header(header: str, text: str, parts: dict[str, tuple[str, Option]]) -> dict[str, Any]:
    pairs = {"": text} if "" in parts else _pairs(header, text)
    values = {}
    for part, value in pairs.items():
        if part not in parts:
            raise BadInput(
                f"{header}: unknown part {part!r}", hint=f"use one of {', '.join(parts)}"
            )
        name, option = parts[part]
        try:
            values[name] = option.kind.decode(value)
        except BadInput as error:
            raise BadInput(f"{header}: {error.message}", hint=error.hint) from None
    return values


def _pairs(header: str, text: str) -> dict[str, str]:
    pairs = {}
    for item in text.split(","):
        part, equals, value = item.partition("=")
        if not equals:
            raise BadInput(f"{header}: not part=value: {item.strip()!r}")
        pairs[part.strip().lower()] = value.strip()
    return pairs


def _override(received: Headers, forwarded: Headers) -> Headers:
    # Undocumented: a forwarded Content-Type overrides the request's own. The Python SDK sends both
    # and means the forwarded one.
    named = {name for name, _ in forwarded}
    plain = ((canonical_name(name), value) for name, value in received)
    return (*(header for header in plain if header[0] not in named), *forwarded)
