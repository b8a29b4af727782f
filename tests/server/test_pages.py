"""Lists of large entries: short pages with cursors, trimmed bodies, and no entry lost."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http import pages
from qstash_cli.server.storage.paging import PAGE_BYTES, take_page
from tests import plain_http
from tests.sink import Sink

Eventually = Callable[..., object]
# In base64 and JSON this is an entry over the limit, with both names of the list.
LONGEST_PAGE = 6 * PAGE_BYTES
BODY = bytes(range(256)) * 400


@pytest.fixture
def http(server_url: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    with plain_http.Client(base_url=f"{server_url}/v2", headers=headers, timeout=30) as client:
        yield client


def publish(http: httpx.Client, url: str, count: int, body: bytes = BODY, **more: str) -> list[str]:
    headers = {"Upstash-Retries": "0"} | {n.replace("_", "-"): v for n, v in more.items()}
    made = [http.post(f"publish/{url}", content=body, headers=headers) for _ in range(count)]
    return [one.json()["messageId"] for one in made]


def all_pages(http: httpx.Client, path: str, name: str, **params: str) -> list[list[Any]]:
    """Returns the entries of each page, following the cursors to the end."""
    found: list[list[Any]] = []
    cursor: dict[str, str] = {}
    while True:
        response = http.get(path, params=params | cursor)
        assert response.status_code == 200, response.text
        assert len(response.content) < LONGEST_PAGE
        page = response.json()
        found.append(page[name])
        if "cursor" not in page:
            return found
        cursor = {"cursor": page["cursor"]}


def finished(http: httpx.Client, count: int) -> Callable[[], bool]:
    ends = {"state": ["DELIVERED", "FAILED"], "trimBody": "0"}
    return lambda: len(http.get("logs", params=ends).json()["logs"]) == count


@pytest.mark.parametrize("order", ["latestFirst", "earliestFirst"])
@pytest.mark.parametrize("path", ["logs", "events"])
def test_pages_of_large_entries_are_short_and_complete(
    http: httpx.Client, sink: Sink, eventually: Eventually, path: str, order: str
) -> None:
    ids = publish(http, sink.url, 60)
    eventually(finished(http, 60))

    found = all_pages(http, path, path, order=order)

    entries = [entry for page in found for entry in page]
    assert len(found) > 1
    assert len({(e["messageId"], e["state"]) for e in entries}) == len(entries) == 180
    assert {entry["messageId"] for entry in entries} == set(ids)
    assert all(b64decode(entry["body"]) == BODY for entry in entries)
    (steps,) = all_pages(http, path, path, order=order, trimBody="0")
    assert [(e["messageId"], e["state"]) for e in entries] == [
        (e["messageId"], e["state"]) for e in steps
    ]


def test_small_entries_fill_a_page_as_before(
    http: httpx.Client, sink: Sink, eventually: Eventually
) -> None:
    publish(http, sink.url, 400, b"small")
    eventually(finished(http, 400))

    found = all_pages(http, "logs", "logs")

    assert [len(page) for page in found] == [1000, 200]


def test_an_entry_larger_than_a_page_is_on_its_own_page(
    http: httpx.Client, sink: Sink, eventually: Eventually
) -> None:
    large = b"x" * (PAGE_BYTES + 1)
    publish(http, sink.url, 2, large)
    eventually(finished(http, 2))

    found = all_pages(http, "logs", "logs")

    assert [len(page) for page in found] == [1] * 6
    assert b64decode(found[0][0]["body"]) == large


@pytest.mark.parametrize("trim", [-1, 0, 1, 2, 3, 100, 102_399, 102_400, 10**9])
def test_trimmed_bodies_are_the_first_bytes(
    http: httpx.Client, sink: Sink, eventually: Eventually, trim: int
) -> None:
    sink.body = BODY[::-1]
    publish(http, sink.url, 1)
    publish(http, sink.url, 1, Upstash_Redact_Fields="body")
    eventually(finished(http, 2))

    entries = http.get("logs", params={"trimBody": trim, "state": "DELIVERED"}).json()["logs"]

    kept = max(0, trim)
    hidden = f"REDACTED:{sha256(BODY).hexdigest()}".encode()
    bodies = {b64decode(entry.get("body", "")) for entry in entries}
    assert bodies == {BODY[:kept], hidden[:kept]}
    assert {b64decode(e.get("responseBody", "")) for e in entries} == {BODY[::-1][:kept]}
    assert {entry["responseStatus"] for entry in entries} == {200}


@pytest.mark.parametrize("trim", ["-1", "0", "7"])
def test_empty_bodies_can_be_trimmed(
    http: httpx.Client, sink: Sink, eventually: Eventually, trim: str
) -> None:
    sink.body = b""
    publish(http, sink.url, 1, b"")
    eventually(finished(http, 1))

    entries = http.get("logs", params={"trimBody": trim}).json()["logs"]

    assert len(entries) == 3
    assert not any("body" in entry or "responseBody" in entry for entry in entries)


def test_trimmed_parts_do_not_count_towards_the_page(
    http: httpx.Client, sink: Sink, eventually: Eventually
) -> None:
    sink.body = b"y" * 500_000
    publish(http, sink.url, 40, b"x" * 500_000)
    eventually(finished(http, 40))

    found = all_pages(http, "logs", "logs", trimBody="10")

    assert [len(page) for page in found] == [120]


@pytest.mark.parametrize("order", ["latestFirst", "earliestFirst"])
def test_groups_of_large_entries_have_short_pages(
    http: httpx.Client, sink: Sink, eventually: Eventually, order: str
) -> None:
    ids = publish(http, sink.url, 40)
    eventually(finished(http, 40))

    found = all_pages(http, "logs", "messages", groupBy="messageId", order=order, count="100")

    groups = [group for page in found for group in page]
    assert len(found) > 1
    assert sorted(group["messageId"] for group in groups) == sorted(ids)
    assert all(len(group["events"]) == 3 for group in groups)
    assert all(b64decode(e["body"]) == BODY for group in groups for e in group["events"])


def test_groups_are_counted_and_have_a_cursor(
    http: httpx.Client, sink: Sink, eventually: Eventually
) -> None:
    publish(http, sink.url, 25, b"small")
    eventually(finished(http, 25))

    default = all_pages(http, "logs", "messages", groupBy="messageId")
    filtered = all_pages(
        http, "logs", "messages", groupBy="messageId", count="7", state="DELIVERED"
    )

    assert [len(page) for page in default] == [10, 10, 5]
    assert [len(page) for page in filtered] == [7, 7, 7, 4]


def test_a_message_whose_log_exceeds_a_page_is_listed_without_bodies(
    http: httpx.Client, sink: Sink, eventually: Eventually
) -> None:
    sink.statuses = [500]
    publish(http, sink.url, 1, b"x" * 1_000_000, Upstash_Retries="4", Upstash_Retry_Delay="1")
    eventually(finished(http, 1))

    ((group,),) = all_pages(http, "logs", "messages", groupBy="messageId")

    assert len(group["events"]) > 10
    assert not any("body" in entry for entry in group["events"])


def test_pages_of_large_dlq_entries_are_short_and_complete(
    http: httpx.Client, sink: Sink, eventually: Eventually
) -> None:
    sink.statuses = [500]
    sink.body = b"n" * 300_000
    ids = publish(http, sink.url, 30)
    eventually(finished(http, 30))

    found = all_pages(http, "dlq", "messages")

    assert len(found) > 1
    assert sorted(entry["messageId"] for page in found for entry in page) == sorted(ids)
    assert {len(entry["responseBody"]) for page in found for entry in page} == {300_000}
    # Operations on entries apply to all of them.
    assert http.delete("dlq").json() == {"deleted": 30}


@pytest.mark.parametrize(("trim", "kept"), [("0", ""), ("-1", ""), ("3", "é"), ("4", "éü")])
def test_trimmed_texts_of_the_dlq_end_with_a_whole_character(
    http: httpx.Client, sink: Sink, eventually: Eventually, trim: str, kept: str
) -> None:
    sink.statuses, sink.body = [500], "éüö".encode()
    publish(http, sink.url, 1, "éüö".encode())
    eventually(finished(http, 1))

    (entry,) = http.get("dlq", params={"trimBody": trim}).json()["messages"]

    assert entry.get("body", "") == entry.get("responseBody", "") == kept
    assert "bodyBase64" not in entry


def test_large_schedules_are_listed_one_by_one(http: httpx.Client) -> None:
    assert http.get("schedules").json() == []
    for number in range(20):
        headers = {"Upstash-Cron": "@daily", "Upstash-Schedule-Id": f"s{number:02}"}
        http.post("schedules/http://127.0.0.1:9/", content=b"x" * 500_000, headers=headers)

    with http.stream("GET", "schedules") as response:
        assert response.headers["transfer-encoding"] == "chunked"
        listed = json.loads(response.read())

    assert [one["scheduleId"] for one in listed] == [f"s{number:02}" for number in range(20)]
    assert {len(one["body"]) for one in listed} == {500_000}


def rows(sizes: list[int]) -> list[sqlite3.Row]:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    found = [
        connection.execute("SELECT ? AS number, zeroblob(?) AS body", (number, size)).fetchone()
        for number, size in enumerate(sizes)
    ]
    connection.close()
    return found


@given(st.lists(st.integers(0, 300), max_size=30), st.integers(1, 10), st.integers(0, 500))
def test_pages_within_the_limit_have_every_row_once_in_order(
    sizes: list[int], count: int, limit: int
) -> None:
    left = rows(sizes)
    seen = []
    has_more = bool(left)
    while has_more:
        page, has_more = take_page(iter(left), count, ("body",), limit)
        total = sum(len(row["body"]) for row in page)
        assert 1 <= len(page) <= count
        assert total <= limit or len(page) == 1
        seen += page
        left = left[len(page) :]

    assert [row["number"] for row in seen] == list(range(len(sizes)))
    assert left == []


def test_other_requests_are_served_while_a_page_is_encoded() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def encode() -> bytes:
        task = asyncio.create_task(others())
        found = await pages.encoded(rows([1] * 1000), lambda _row: {"body": "x" * 10_000})
        task.cancel()
        return found

    found = asyncio.run(encode())

    assert len(json.loads(found)) == 1000
    assert turns > 50
