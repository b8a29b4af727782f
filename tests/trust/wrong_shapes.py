"""Responses with one wrong value each: another type, or a missing field."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

_MISSING = object()
# As deep as the JSON parser accepts.
_DEEP: Any = json.loads("[" * 500 + "]" * 500)
WRONG_VALUES: dict[str, Any] = {
    "missing": _MISSING, "null": None, "a number": 5, "a string": "x", "true": True,
    "an empty array": [], "an empty object": {}, "an array of numbers": [5],
    "an array of null": [None], "an object of numbers": {"a": 5}, "NaN": float("nan"),
    "infinity": float("-inf"), "a huge number": 10**30, "a decimal number": 1.5, "deep": _DEEP,
}  # fmt: skip
WRONG_BODIES: dict[str, bytes] = {
    **{name: json.dumps(value).encode() for name, value in WRONG_VALUES.items()
       if value is not _MISSING},
    "an array of empty objects": b"[{}]", "an array of arrays": b"[[]]", "false": b"false",
    "an array of strings": b'["x"]', "an object of null": b'{"messages":null,"logs":null}',
    "an error of status 200": b'{"error":"no"}', "deeper than can be parsed": b"[" * 100_000,
    "objects, deeper than can be parsed": b'{"a":' * 100_000, "a long number": b"7" * 5_000,
    "empty": b"", "blank": b" \n", "no JSON": b"<html>", "cut": b'{"messages":[',
}  # fmt: skip

Place = tuple[str | int, ...]


class Mutation(NamedTuple):
    """A body with one wrong value, and a description."""

    place: Place
    wrong: str
    body: bytes

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.place)) or 'the body'}: {self.wrong}"


def wrong_bodies() -> Iterator[Mutation]:
    """Yields bodies that are invalid as a whole."""
    for wrong, body in WRONG_BODIES.items():
        yield Mutation((), wrong, body)


def wrong_fields(content: Any, *, values: int) -> Iterator[Mutation]:
    """Yields the content with a wrong value in place of each field and entry in turn.

    Each place gets `values` wrong values, different ones from place to place.
    """
    names = list(WRONG_VALUES)
    for number, place in enumerate(_places(content)):
        for step in range(values):
            wrong = names[(number * values + step) % len(names)]
            yield Mutation(place, wrong, json.dumps(_with(content, place, wrong)).encode())


def _places(content: Any, before: Place = ()) -> Iterator[Place]:
    parts: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(content, dict):
        parts = iter(content.items())
    elif isinstance(content, list):
        parts = iter(list(enumerate(content))[:1])
    for key, value in parts:
        yield (*before, key)
        yield from _places(value, (*before, key))


def _with(content: Any, place: Place, wrong: str) -> Any:
    changed = copy.deepcopy(content)
    at: Any = changed
    for key in place[:-1]:
        at = at[key]
    value = WRONG_VALUES[wrong]
    if value is _MISSING:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return changed
