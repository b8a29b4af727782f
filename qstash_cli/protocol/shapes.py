"""Validates parsed JSON against a declared type.

A shape is a TypedDict, `list[S]`, `dict[str, S]`, a union of shapes, `str`, `int`, `float`, `bool`,
or `object` for any value. Undeclared fields of a TypedDict are allowed. Fields that are not
required may be missing or null.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from functools import cache
from itertools import chain
from math import isfinite
from operator import itemgetter
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints, is_typeddict

# No time, count or status code in an API needs a larger number.
_INT64 = range(-(2**63), 2**63)
# In longer lists, optional fields are validated in this many entries, required fields in all. A
# server that differs usually does so from the first entry on, and validating every field of 1,000
# log entries takes as long as parsing them. Displaying a value works for any type.
_FULLY_CHECKED = 20
_KEY_CHARACTERS = 40
_PLAIN = frozenset({str, int, bool})


class Mismatch(NamedTuple):
    """A value that does not have the declared type.

    `path` locates it, such as `messages[3].dlqId`, and is empty for the whole value. `problem`
    completes the sentence: `is a number, expected a string`.
    """

    path: str
    problem: str

    def within(self, part: str) -> Mismatch:
        """Returns the mismatch relative to the containing value; `part` is a field or `[3]`."""
        dot = "." if self.path and not self.path.startswith("[") else ""
        return Mismatch(f"{part}{dot}{self.path}", self.problem)


_Validator = Callable[[Any], Mismatch | None]


def mismatch(value: object, shape: object) -> Mismatch | None:
    """Returns the first mismatch between a value and a shape, None if the value is valid."""
    return _validator_of(shape)(value)


def page_mismatch(value: object, entries: str, shape: object) -> Mismatch | None:
    """Like `mismatch`, for a page: an object with a list of `shape` in the field `entries`.

    If there is another page, it has a cursor, which is a string or a large integer.
    """
    if not isinstance(value, dict):
        return _unexpected(value, "an object")
    if entries not in value:
        return Mismatch(entries, "is missing")
    for name, validate in ((entries, _list_validator(shape)), ("cursor", _cursor)):
        found = validate(value.get(name))
        if found is not None:
            return found.within(name)
    return None


@cache
def _validator_of(shape: Any) -> _Validator:
    if is_typeddict(shape):
        return _object_validator(shape)
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is list:
        return _list_validator(arguments[0])
    if origin is dict:
        return _mapping_validator(arguments[1])
    if origin in {Union, UnionType}:
        return _union_validator(arguments)
    return {str: _text, int: _integer, float: _number, bool: _flag, object: _anything}[shape]


def _object_validator(shape: Any) -> _Validator:
    hints = get_type_hints(shape)
    validators = {name: _validator_of(one) for name, one in hints.items()}
    # Fast path: nearly all fields are plain values of the declared type.
    plain = {name: one for name, one in hints.items() if one in _PLAIN}
    required: frozenset[str] = shape.__required_keys__

    def validate(value: Any) -> Mismatch | None:
        if type(value) is not dict:
            return _unexpected(value, "an object")
        if not required <= value.keys():
            missing = required - value.keys()
            return Mismatch(next(name for name in hints if name in missing), "is missing")
        for name, field in value.items():
            kind = plain.get(name)
            if type(field) is kind and (kind is not int or field in _INT64):
                continue
            if name in validators and (field is not None or name in required):
                found = validators[name](field)
                if found is not None:
                    return found.within(name)
        return None

    return validate


@cache
def _list_validator(shape: Any) -> _Validator:
    validate_entry = _validator_of(shape)
    have_required = _required_columns_validator(shape) if is_typeddict(shape) else None

    def validate(value: Any) -> Mismatch | None:
        if type(value) is not list:
            return _unexpected(value, "an array")
        if shape is str and set(map(type, value)) <= {str}:
            return None
        entries = value
        if have_required and len(value) > _FULLY_CHECKED and have_required(value):
            entries = value[:_FULLY_CHECKED]
        return _first(entries, validate_entry)

    return validate


def _required_columns_validator(shape: Any) -> Callable[[list[Any]], bool] | None:
    """Returns a function that validates the required fields of all entries, field by field.

    This is ten times as fast as validating entry by entry. None if a required field is not a plain
    value.
    """
    hints = get_type_hints(shape)
    columns = [(itemgetter(name), hints[name]) for name in sorted(shape.__required_keys__)]
    if not all(hint in _PLAIN for _, hint in columns):
        return None

    def validate(entries: list[Any]) -> bool:
        if set(map(type, entries)) != {dict}:
            return False
        try:
            return all(_is_column_of(hint, pick, entries) for pick, hint in columns)
        except KeyError:
            return False

    return validate


def _is_column_of(hint: type, pick: Callable[[Any], Any], entries: list[Any]) -> bool:
    if set(map(type, map(pick, entries))) != {hint}:
        return False
    if hint is not int:
        return True
    return min(map(pick, entries)) in _INT64 and max(map(pick, entries)) in _INT64


def _mapping_validator(shape: Any) -> _Validator:
    validate_value = _validator_of(shape)
    # Header lists, `dict[str, list[str]]`, are common.
    has_lists_of_texts = shape == list[str]

    def validate(value: Any) -> Mismatch | None:
        if type(value) is not dict:
            return _unexpected(value, "an object")
        if has_lists_of_texts and _are_lists_of_texts(value.values()):
            return None
        for name, one in value.items():
            found = validate_value(one)
            if found is not None:
                return found.within(f"[{json.dumps(name[:_KEY_CHARACTERS])}]")
        return None

    return validate


def _are_lists_of_texts(values: Collection[Any]) -> bool:
    if set(map(type, values)) != {list}:
        return False
    return set(map(type, chain.from_iterable(values))) <= {str}


def _union_validator(shapes: Iterable[Any]) -> _Validator:
    validators = [_validator_of(one) for one in shapes]

    def validate(value: Any) -> Mismatch | None:
        found = [one(value) for one in validators]
        if None in found:
            return None
        # Report the closest alternative: a list with an invalid entry is still a list.
        return max(found, key=lambda one: len(one.path) if one else 0)

    return validate


def _first(entries: list[Any], validate: _Validator) -> Mismatch | None:
    for number, entry in enumerate(entries):
        found = validate(entry)
        if found is not None:
            return found.within(f"[{number}]")
    return None


def _text(value: Any) -> Mismatch | None:
    return None if type(value) is str else _unexpected(value, "a string")


def _integer(value: Any) -> Mismatch | None:
    if type(value) is not int:
        return _unexpected(value, "an integer")
    return None if value in _INT64 else Mismatch("", "is a number of more than 64 bits")


def _number(value: Any) -> Mismatch | None:
    return None if type(value) is float else _integer(value)


def _flag(value: Any) -> Mismatch | None:
    return None if type(value) is bool else _unexpected(value, "a boolean")


def _cursor(value: Any) -> Mismatch | None:
    if value is None or type(value) in {str, int}:
        return None
    return _unexpected(value, "a string")


def _anything(_value: Any) -> None:
    return None


def _unexpected(value: Any, expected: str) -> Mismatch:
    return Mismatch("", f"is {_named(value)}, expected {expected}")


def _named(value: Any) -> str:
    if isinstance(value, float):
        return "a decimal number" if isfinite(value) else "NaN or infinity"
    names = {bool: "a boolean", int: "a number", str: "a string", list: "an array"}
    return "null" if value is None else names.get(type(value), "an object")
