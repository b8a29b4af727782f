"""Lists are read to their end, however long they are. Endless lists cause an error."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from urllib.parse import parse_qs, urlsplit

import pytest

from qstash_cli.client.api import dlq
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.paging import PageLimits
from qstash_cli.errors import QstashError
from tests.client.conftest import Connect
from tests.client.scripted import Received, Reply, scripted_server

LIST = dlq.entries(Filter())
Page = Callable[[int], tuple[list[int], object]]


def entries(numbers: list[int]) -> list[dict[str, str]]:
    return [
        {"dlqId": f"{number}-0", "messageId": f"msg_{number}", "url": "https://a.example"}
        for number in numbers
    ]


def replying(page: Page) -> Callable[[Received], Reply]:
    """Returns a function that replies with the next page."""

    def reply(request: Received) -> Reply:
        query = parse_qs(urlsplit(request.target).query)
        numbers, cursor = page(int(query.get("cursor", ["0"])[0]))
        return Reply(200, {"messages": entries(numbers), "cursor": cursor})

    return reply


def read(connect: Connect, page: Page, limits: PageLimits | None = None) -> tuple[int, str]:
    """Returns the number of entries, and the message of the final error, if any."""
    found = 0
    with scripted_server(replying(page)) as server:
        client = connect(server.url).client
        pages = client.pages(LIST, limits) if limits else client.pages(LIST)
        try:
            for _ in pages:
                found += 1
        except QstashError as error:
            return found, error.message
    return found, ""


def test_fifty_thousand_entries_are_read_to_the_end(connect: Connect) -> None:
    def page(number: int) -> tuple[list[int], object]:
        return list(range(100 * number, 100 * number + 100)), number + 1 if number < 499 else None

    assert read(connect, page) == (50_000, "")


def test_some_pages_may_be_empty(connect: Connect) -> None:
    def page(number: int) -> tuple[list[int], object]:
        return [number] if number % 150 == 0 else [], number + 1 if number < 600 else ""

    assert read(connect, page) == (5, "")


@pytest.mark.parametrize(
    ("page", "found", "message"),
    [
        (lambda number: ([], number + 1), 0,
         "200 pages in a row were empty (after 0 entries in 200 pages)"),
        (lambda number: ([number] if number < 3 else [], number + 1), 3,
         "200 pages in a row were empty (after 3 entries in 203 pages)"),
        (lambda number: ([7, 8], number + 1), 8,
         "3 pages in a row had the entries of earlier pages (after 8 entries in 4 pages)"),
        (lambda number: ([number % 5], number + 1), 8,
         "3 pages in a row had the entries of earlier pages (after 8 entries in 8 pages)"),
        (lambda number: ([number], 9), 2,
         "a cursor came for the second time (after 2 entries in 2 pages)"),
        (lambda number: ([number], (number + 1) % 4 or 4), 5,
         "a cursor came for the second time (after 5 entries in 5 pages)"),
    ],
    ids=["empty", "empty later", "the same entries", "entries in a circle", "the same cursor",
         "cursors in a circle"],
)  # fmt: skip
def test_an_endless_list_causes_an_error_that_says_how_much_was_read(
    connect: Connect, page: Page, found: int, message: str
) -> None:
    assert read(connect, page) == (
        found, f"the list from GET /v2/dlq does not end: {message}"
    )  # fmt: skip


def test_a_list_that_always_has_new_entries_is_stopped(connect: Connect) -> None:
    limits = PageLimits(total=50)

    assert read(connect, lambda number: ([number], number + 1), limits) == (
        50,
        "the list from GET /v2/dlq does not end: more than 50 pages (after 50 entries in 50 pages)",
    )


def test_late_pages_of_a_long_list_are_parsed_like_the_first(connect: Connect) -> None:
    """An unpaired surrogate is JSON for Python's parser, but not for the fast one."""
    numbers = count()

    def reply(_request: Received) -> Reply:
        number = next(numbers)
        entry = b'{"dlqId": "\\ud800", "messageId": "m", "url": "u"}'
        page = b'{"messages": [%b], "cursor": "%d"}' % (entry, number)
        return Reply(200, body=page if number < 30 else b"not JSON")

    found: list[object] = []
    with scripted_server(reply) as server:
        pages = connect(server.url).client.pages(LIST, PageLimits(repeated=100))
        with pytest.raises(QstashError, match="not JSON"):
            found.extend(pages)

    assert found == [{"dlqId": "\ud800", "messageId": "m", "url": "u"}] * 30
