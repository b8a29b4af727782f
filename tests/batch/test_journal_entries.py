"""Every line of a journal is validated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.batch.journal_entries import (
    Finish,
    Head,
    Progress,
    entry_of,
    head_of,
    object_of,
    to_line,
)
from qstash_cli.batch.lines import LineRange

SHA = "0" * 64
RANGES = st.lists(
    st.builds(
        lambda first, more: LineRange(first, first + more, SHA),
        st.integers(1, 2**40),
        st.integers(0, 2**40),
    ),
    max_size=3,
).map(tuple)
ENTRIES = st.one_of(
    st.builds(Progress, RANGES, st.integers(0, 2**50), RANGES),
    st.builds(Finish, st.floats(0, 2**50)),
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(SHA),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
FIELDS = ("journal", "job", "api_url", "begins_with", "done", "sent", "refused", "finished", "at_s")


def is_count(value: Any, least: int) -> bool:
    return type(value) is int and least <= value < 2**53


def is_range(value: Any) -> bool:
    return (
        type(value) is list and len(value) == 3
        and is_count(value[0], 1) and is_count(value[1], value[0])
        and type(value[2]) is str and len(value[2]) == 64
        and set(value[2]) <= set("0123456789abcdef")
    )  # fmt: skip


def is_ranges(value: Any) -> bool:
    return type(value) is list and all(is_range(one) for one in value)


@given(ENTRIES)
def test_entries_survive_a_round_trip(entry: Progress | Finish) -> None:
    line = to_line(entry)

    assert line.endswith(b"\n")
    assert b"\n" not in line[:-1]
    assert entry_of(object_of(line)) == entry


@given(st.sampled_from(["job_1", "batch_abcXYZ-9"]), st.text(), st.lists(st.just(SHA), max_size=2))
def test_a_head_survives_a_round_trip(job: str, api_url: str, digests: list[str]) -> None:
    head = Head(job, api_url, tuple(digests))

    assert head_of(object_of(to_line(head))) == head


@given(st.dictionaries(st.sampled_from(FIELDS), ANY))
def test_a_value_of_the_wrong_type_is_named_in_any_field(values: dict[str, Any]) -> None:
    line = json.dumps(values).encode()
    is_progress = (
        "done" in values
        and is_ranges(values["done"])
        and is_count(values.get("sent"), 0)
        and is_ranges(values.get("refused", []))
    )
    is_finish = "done" not in values and values.get("finished") is True

    try:
        entry = entry_of(object_of(line))
    except ValueError as fault:
        assert any(f'"{name}"' in str(fault) for name in FIELDS)  # noqa: PT017 - either may be
        assert not is_progress
    else:
        assert isinstance(entry, Progress) == is_progress
        assert isinstance(entry, Finish) == is_finish


@given(st.dictionaries(st.sampled_from(FIELDS), ANY))
def test_a_head_has_a_job_and_an_api_or_is_refused(values: dict[str, Any]) -> None:
    try:
        head = head_of(object_of(json.dumps(values).encode()))
    except ValueError as fault:
        assert any(f'"{name}"' in str(fault) for name in FIELDS)  # noqa: PT017 - either may be
    else:
        assert head.job.isascii()
        assert (head.job, head.api_url) == (values["job"], values["api_url"])
        assert list(head.begins_with) == values.get("begins_with", [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        ('{"done": []}'.encode("utf-16"), "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"sent": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_not_an_object_is_refused_with_the_reason(line: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        object_of(line)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"done": null, "sent": 1}', '"done"'),
        ('{"done": [1, 2], "sent": 1}', '"done"'),
        (f'{{"done": [[2, 1, "{SHA}"]], "sent": 1}}', '"done"'),
        (f'{{"done": [[0, 1, "{SHA}"]], "sent": 1}}', '"done"'),
        (f'{{"done": [[1, true, "{SHA}"]], "sent": 1}}', '"done"'),
        (f'{{"done": [[1, 1.0, "{SHA}"]], "sent": 1}}', '"done"'),
        ('{"done": [[1, 1, "0"]], "sent": 1}', '"done"'),
        ('{"done": []}', '"sent"'),
        ('{"done": [], "sent": "1"}', '"sent"'),
        ('{"done": [], "sent": -1}', '"sent"'),
        ('{"done": [], "sent": 1, "refused": {}}', '"refused"'),
        ('{"finished": false, "at_s": 1}', '"finished"'),
        ('{"finished": true}', '"at_s"'),
        ('{"finished": true, "at_s": true}', '"at_s"'),
        ('{"finished": true, "at_s": 1e999}', '"at_s"'),
        ('{"finished": true, "at_s": NaN}', '"at_s"'),
        (f'{{"finished": true, "at_s": 1{"0" * 400}}}', '"at_s"'),
        ("{}", '"done"'),
    ],
)
def test_the_error_names_the_invalid_field(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        entry_of(object_of(text.encode()))
