from __future__ import annotations

from base64 import b64encode
from typing import Any, cast

from qstash_cli.protocol.failure_groups import group_entries
from qstash_cli.protocol.records import DlqEntry


def entry(number: int, **fields: Any) -> DlqEntry:
    found: dict[str, Any] = {
        "messageId": f"msg_{number}",
        "dlqId": f"{number}-0",
        "url": "https://example.com/a",
        "responseStatus": 503,
        "responseBody": f"order {number} failed",
        "createdAt": number,
    }
    found.update(fields)
    return cast("DlqEntry", found)


def test_entries_with_one_reason_are_a_group() -> None:
    entries = [entry(1), entry(2, responseStatus=404), entry(4), entry(3)]

    groups = group_entries(entries)

    big, small = groups.groups
    assert (big.size, big.first_ms, big.last_ms, big.sample_id) == (3, 1, 4, "4-0")
    assert big.reason[:2] == (503, "https://example.com/a")
    assert (small.size, small.sample_id) == (1, "2-0")
    assert (groups.total, groups.ungrouped) == (4, 0)


def test_binary_responses_are_grouped_by_their_text() -> None:
    bodies = [b64encode(f"order {n} failed ".encode() + b"\xff" * n).decode() for n in (1, 2)]
    entries = [entry(1, responseBody=None, responseBodyBase64=one) for one in bodies[:1] * 2]

    (group,) = group_entries(entries).groups

    assert group.reason.line == "order <n> failed �"


def test_entries_that_all_differ_use_limited_memory() -> None:
    entries = (entry(n, url=f"https://example.com/{n}") for n in range(20))

    groups = group_entries(entries, max_groups=5)

    assert (len(groups.groups), groups.total, groups.ungrouped) == (5, 20, 15)


def test_fields_of_the_wrong_type_are_like_missing_ones() -> None:
    entries = [
        entry(1, createdAt="x", responseStatus=[], responseBody={}),
        entry(2, createdAt=None, responseStatus=None, responseBody=None),
    ]

    (group,) = group_entries(entries).groups

    assert group == ((0, "https://example.com/a", ""), 2, None, None, "1-0")
