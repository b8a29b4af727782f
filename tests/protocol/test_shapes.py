"""JSON values are validated against declared types, and the first mismatch is described."""

import json
from typing import Any, NotRequired, Required, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.protocol.shapes import mismatch


class Part(TypedDict, total=False):
    id: Required[str]
    size: int


class Base(TypedDict):
    name: str
    note: NotRequired[str]


class Thing(Base, total=False):
    at: Required[int]
    ok: bool
    ratio: float
    parts: list[Part]
    header: dict[str, list[str]]
    mixed: dict[str, str | list[str]]
    anything: object


GOOD: dict[str, Any] = {
    "name": "n", "at": 5, "ok": True, "ratio": 0.5, "parts": [{"id": "a", "size": 1}],
    "header": {"X-A": ["1"]}, "mixed": {"X-A": "1", "X-B": ["2"]}, "anything": [None], "more": {},
}  # fmt: skip


def problem(value: object, shape: object = Thing) -> str:
    found = mismatch(value, shape)
    return f"{found.path} {found.problem}".strip() if found else ""


def test_a_valid_value_is_accepted() -> None:
    assert problem(GOOD) == ""
    assert problem({"name": "n", "at": 5}) == ""
    assert problem([GOOD, GOOD], list[Thing]) == ""
    assert problem(GOOD, Thing | list[Thing]) == ""
    assert problem([], Thing | list[Thing]) == ""


@pytest.mark.parametrize("name", sorted(GOOD.keys() - {"name", "at"}))
def test_optional_fields_may_be_null(name: str) -> None:
    assert problem(GOOD | {name: None}) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "is null, expected an object"),
        ([], "is an array, expected an object"),
        ("x", "is a string, expected an object"),
        ({}, "name is missing"),
        ({"name": "n"}, "at is missing"),
        (GOOD | {"name": None}, "name is null, expected a string"),
        (GOOD | {"name": 5}, "name is a number, expected a string"),
        (GOOD | {"note": ["x"]}, "note is an array, expected a string"),
        (GOOD | {"at": "5"}, "at is a string, expected an integer"),
        (GOOD | {"at": True}, "at is a boolean, expected an integer"),
        (GOOD | {"at": 5.5}, "at is a decimal number, expected an integer"),
        (GOOD | {"at": float("nan")}, "at is NaN or infinity, expected an integer"),
        (GOOD | {"at": 2**63}, "at is a number of more than 64 bits"),
        (GOOD | {"ok": 1}, "ok is a number, expected a boolean"),
        (GOOD | {"parts": {}}, "parts is an object, expected an array"),
        (GOOD | {"parts": [None]}, "parts[0] is null, expected an object"),
        (GOOD | {"parts": [{"id": "a"}, {"size": 1}]}, "parts[1].id is missing"),
        (GOOD | {"parts": [{"id": "a", "size": "x"}]},
         "parts[0].size is a string, expected an integer"),
        (GOOD | {"header": []}, "header is an array, expected an object"),
        (GOOD | {"header": {"X-A": "1"}}, 'header["X-A"] is a string, expected an array'),
        (GOOD | {"header": {"X-A": ["1", 2]}}, 'header["X-A"][1] is a number, expected a string'),
        (GOOD | {"header": {"\x1b" * 99: 1}},
         'header["' + r"\u001b" * 40 + '"] is a number, expected an array'),
        (GOOD | {"mixed": {"X-A": [1]}}, 'mixed["X-A"][0] is a number, expected a string'),
    ],
)  # fmt: skip
def test_the_first_mismatch_is_described(value: object, expected: str) -> None:
    assert problem(value) == expected


def test_an_invalid_entry_of_a_list_is_named_by_its_index() -> None:
    assert problem([GOOD, {"name": "n", "at": "x"}], list[Thing]) == (
        "[1].at is a string, expected an integer"
    )
    assert problem([GOOD, 5], Thing | list[Thing]) == "[1] is a number, expected an object"


@pytest.mark.parametrize("place", [0, 99, 100, 5_000])
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"name": "n"}, ".at is missing"),
        ({"name": "n", "at": None}, ".at is null, expected an integer"),
        ({"name": "n", "at": 10**30}, ".at is a number of more than 64 bits"),
        ({"name": 5, "at": 5}, ".name is a number, expected a string"),
        (5, " is a number, expected an object"),
    ],
)
def test_required_fields_are_validated_in_every_entry_of_a_long_list(
    place: int, wrong: object, expected: str
) -> None:
    entries: list[object] = [GOOD] * 5_001
    entries[place] = wrong

    assert problem(entries, list[Thing]) == f"[{place}]{expected}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
)


@given(value=JSON, name=st.sampled_from(sorted(GOOD)))
def test_any_json_is_valid_or_described_in_one_line(value: Any, name: str) -> None:
    for one in (value, [value], GOOD | {name: value}):
        for shape in (Thing, list[Thing], Thing | list[Thing]):
            assert "\n" not in problem(one, shape)


def test_deeply_nested_values_are_validated_without_a_crash() -> None:
    deep = json.loads("[" * 900 + "]" * 900)

    assert problem(GOOD | {"more": deep, "anything": deep}) == ""
    assert problem(GOOD | {"parts": deep}) == "parts[0] is an array, expected an object"
