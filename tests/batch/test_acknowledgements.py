"""Only a message id acknowledges a record, whatever else the response contains."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.batch.acknowledgements import (
    OutcomeUnknown,
    acknowledgements,
    error_of,
    messages_of,
)
from qstash_cli.batch.items import Record
from qstash_cli.batch.lines import Row

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["messageId", "error", "url", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
MESSAGES = st.fixed_dictionaries(
    {"messageId": st.text(min_size=1, max_size=5)},
    optional={"url": ANY, "deduplicated": st.booleans()},
)
ACKNOWLEDGED = MESSAGES | st.lists(MESSAGES, min_size=1, max_size=3)
REFUSED = st.fixed_dictionaries({"error": st.text(max_size=5)})
DOCUMENTED = st.lists(ACKNOWLEDGED | REFUSED, max_size=4)


def records(count: int) -> list[Record]:
    return [Record(Row(line, line, line, b""), line) for line in range(11, 11 + count)]


def has_id(item: Any) -> bool:
    """An independent implementation for the test: whether an item acknowledges a record."""
    messages = item if isinstance(item, list) else [item]
    return messages != [] and all(
        isinstance(one, dict) and one.get("messageId") and type(one["messageId"]) is str
        for one in messages
    )


@given(DOCUMENTED)
def test_documented_responses_are_parsed(response: list[Any]) -> None:
    items, are_all_new = acknowledgements(response, records(len(response)))

    assert items == response
    assert [error_of(item) for item in items] == [
        item["error"] if isinstance(item, dict) and "error" in item else None for item in response
    ]
    if are_all_new:
        assert all(len(messages_of(item)) == 1 and has_id(item) for item in items)


@given(st.lists(ANY | ACKNOWLEDGED, min_size=1, max_size=4))
def test_an_item_without_a_message_id_acknowledges_nothing(response: list[Any]) -> None:
    is_clear = all(error_of(item) is not None or has_id(item) for item in response)
    try:
        acknowledgements(response, records(len(response)))
    except OutcomeUnknown:
        return

    assert is_clear


@given(ANY | DOCUMENTED, st.integers(1, 6))
def test_a_response_without_one_item_per_record_acknowledges_nothing(
    response: object, count: int
) -> None:
    if isinstance(response, list) and len(response) == count:
        response = [*response, {"messageId": "one too many"}]

    with pytest.raises(OutcomeUnknown, match="may or may not have been sent"):
        acknowledgements(response, records(count))


@pytest.mark.parametrize(
    ("response", "line"),
    [
        ([{}, {"messageId": "a"}], 11),
        ([{"messageId": "a"}, []], 12),
        ([{"messageId": "a"}, {"messageId": 7}], 12),
        ([{"messageId": ""}, {"messageId": "a"}], 11),
        ([{"messageId": "a"}, {"messageId": "a", "error": "b"}], 12),
        ([{"messageId": "a"}, [{"messageId": "a"}, {}]], 12),
        ([{"messageId": "a"}, {"error": None}], 12),
        (["messageId", {"messageId": "a"}], 11),
    ],
)
def test_the_error_names_the_unacknowledged_line(response: object, line: int) -> None:
    with pytest.raises(
        OutcomeUnknown, match=f"has no messageId for line {line}; lines 11 to 12 may"
    ):
        acknowledgements(response, records(2))
