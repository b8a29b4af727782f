"""Re-serializes JSON in each format that the original body may have had."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from qstash_cli.captures.search_budget import SearchBudget


class _Form(NamedTuple):
    """A JSON format: the separators between tokens, or the indentation."""

    name: str
    separators: tuple[str, str] | None = None
    indent: int | None = None
    sort_keys: bool = False


_SPACINGS = (
    _Form("no spaces", (",", ":")),
    _Form("a space after each comma and colon", (", ", ": ")),
    _Form("2-space indentation", indent=2),
    _Form("4-space indentation", indent=4),
)
_FORMS = (
    *_SPACINGS,
    *(form._replace(name=f"{form.name} and sorted keys", sort_keys=True) for form in _SPACINGS),
)


def _int_if_whole(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number


# Ways to parse numbers, so that they are serialized as the original may have had them.
_READERS: tuple[tuple[str, Callable[[bytes], Any]], ...] = (
    ("", json.loads),
    (", and 1.0 in place of 1", partial(json.loads, parse_int=float)),
    (", and 1 in place of 1.0", partial(json.loads, parse_float=_int_if_whole)),
)


def undone(body: bytes, budget: SearchBudget) -> Iterator[tuple[str, bytes]]:
    """Yields descriptions of a change with the body before it; nothing if the body is not JSON."""
    text = body.decode("utf-8", "replace")
    for numbers, read in _READERS:
        budget.raise_if_spent()
        try:
            value = read(body)
        except (ValueError, RecursionError):
            return
        if isinstance(value, str) and not numbers:
            yield "the body was encoded as a JSON string", _bytes_of(value)
        for form in _FORMS:
            for candidate in _written(value, form, budget):
                yield (
                    f"the JSON was re-serialized (the original has {form.name}{numbers})",
                    _bytes_of(candidate),
                )
    yield "a JSON string was decoded", json.dumps(text).encode()


def _written(value: Any, form: _Form, budget: SearchBudget) -> Iterator[str]:
    for ascii_only in (False, True):
        budget.raise_if_spent()
        encoder = json.JSONEncoder(
            ensure_ascii=ascii_only,
            separators=form.separators,
            indent=form.indent,
            sort_keys=form.sort_keys,
        )
        try:
            text = _serialized(encoder, value, budget)
        except (ValueError, RecursionError):
            return
        yield text
        if "/" in text:
            # PHP escapes slashes.
            yield text.replace("/", "\\/")


def _serialized(encoder: json.JSONEncoder, value: Any, budget: SearchBudget) -> str:
    if encoder.indent is None:
        return encoder.encode(value)
    # Indenting is done in Python, and each level of nesting repeats the indentation: the output
    # of a deeply nested body is much longer than the body.
    parts = []
    for part in encoder.iterencode(value):
        budget.raise_if_spent()
        parts.append(part)
    return "".join(parts)


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
