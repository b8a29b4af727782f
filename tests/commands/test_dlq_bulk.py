"""`dlq retry` and `dlq delete` of many entries: a hundred ids per request, or page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain, count, cycle, repeat
from operator import itemgetter
from typing import Any

import pytest

from qstash_cli.client.api import dlq
from qstash_cli.client.api.filters import Filter
from qstash_cli.commands.common.cursor_pages import CursorLimits, pages
from qstash_cli.errors import QstashError
from tests.commands.api_server import Responses
from tests.commands.test_cancel import scripted, sent
from tests.commands.test_dlq import bury
from tests.in_process import Qstash
from tests.sink import Sink

IDS = [f"1725323658779-{number}" for number in range(150)]

# Delete


def test_several_entries_are_deleted_in_one_request(local: Qstash, sink: Sink) -> None:
    ids = [bury(local, sink) for _ in range(3)]

    run = local("dlq", "delete", *ids, "--verbose")

    assert (run.code, run.out) == (0, "3\n"), run
    assert run.err.count("> DELETE ") == 1
    assert local("dlq", "list").out == ""


def test_a_request_deletes_up_to_a_hundred_ids(qstash: Qstash) -> None:
    ids = [f"1725323658779-{number}" for number in range(101)]
    with scripted(qstash, {("DELETE", "/v2/dlq"): (200, {"deleted": 100})}) as api:
        qstash("dlq", "delete", *ids)

    assert [pair for query in sent(api) for pair in query] == [("dlqIds", one) for one in ids]
    assert [len(query) for query in sent(api)] == [100, 1]


def test_entries_that_were_not_deleted_are_counted(local: Qstash, sink: Sink) -> None:
    first, second = bury(local, sink), bury(local, sink)
    local("dlq", "delete", first)

    run = local("dlq", "delete", first, second)
    again = local("dlq", "delete", first, second)

    assert (run.code, run.out) == (10, "1\n")
    assert "error: 1 of 2 entries was deleted" in run.err
    assert "QStash does not report which" in run.err
    assert (again.code, again.out) == (4, "0\n")


def test_the_question_names_the_entries_and_their_number(local: Qstash, sink: Sink) -> None:
    bury(local, sink, "--label", "x")
    where = f"of QSTASH_TOKEN, {local.env['QSTASH_URL']}"

    one = local("dlq", "delete", "--label", "x", tty=True, stdin=b"n\n")
    none = local("dlq", "retry", "--status", "404", tty=True, stdin=b"n\n")

    assert f"Delete 1 DLQ entry (label x) {where}? [y/N]" in one.err
    assert f"Retry 0 DLQ entries (status 404) {where}? [y/N]" in none.err
    assert local("dlq", "list", "-q").out.count("\n") == 1


def test_the_question_says_if_there_are_more_entries_than_a_page(qstash: Qstash) -> None:
    message = {"messageId": "msg_1", "url": "https://example.com"}
    entries = [message | {"dlqId": f"1-{number}"} for number in range(100)]
    page = {"messages": entries, "cursor": "1-99"}
    responses: Responses = {("GET", "/v2/dlq"): (200, page)}
    with scripted(qstash, responses) as api:
        run = qstash("dlq", "delete", "--all", tty=True, stdin=b"\n")

    assert run.code == 130
    assert "Delete more than 100 DLQ entries of QSTASH_TOKEN, http" in run.err
    assert sent(api) == []


def test_entries_deleted_before_an_error_are_reported(qstash: Qstash) -> None:
    responses: Responses = {
        ("DELETE", "/v2/dlq?label=x&count=100&cursor=1-9"): (403, {"error": "no"}),
        ("DELETE", "/v2/dlq"): (200, {"deleted": 100, "cursor": "1-9"}),
    }
    with scripted(qstash, responses):
        run = qstash("dlq", "delete", "--label", "x", "--yes", "-o", "json")

    assert (run.code, run.json) == (10, {"deleted": 100})
    assert "100 entries were deleted, then: " in json.loads(run.err)["message"]


@pytest.mark.parametrize(
    ("words", "field", "said"),
    [
        (("dlq", "delete", "--all", "--yes"), "deleted", "100 entries were deleted"),
        (("dlq", "delete", *IDS), "deleted", "100 of 150 entries were deleted"),
        (("message", "cancel", *IDS), "cancelled", "100 of 150 messages were cancelled"),
    ],
    ids=["by filter", "by id", "cancel"],
)
def test_an_interrupt_reports_the_deleted_entries(
    qstash: Qstash, words: tuple[str, ...], field: str, said: str
) -> None:
    limit = {"Burst-RateLimit-Limit": "1", "Burst-RateLimit-Reset": "1"}
    first: tuple[int, Any, dict[str, str]] = (200, {field: 100, "cursor": "1-1"}, {})
    following = chain([first], repeat((429, {"error": "slow down"}, limit)))

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    # The client pauses after the second response.
    qstash.sleep = interrupted
    with scripted(qstash, {("DELETE", "/v2/"): lambda: next(following)}):
        run = qstash(*words)

    assert (run.code, run.err) == (130, f"error: interrupted; {said}\n")


# Retry


def test_several_entries_are_retried_in_one_request_with_the_options(
    local: Qstash, sink: Sink
) -> None:
    ids = [bury(local, sink) for _ in range(3)]
    sink.statuses = [200]

    run = local("dlq", "retry", *ids, "--wait", "--verbose", "--timeout", "7s")

    assert (run.code, len(run.out.split())) == (0, 3), run
    assert run.err.count("> POST ") == 1
    assert "> Upstash-Timeout: 7s" in run.err
    assert len(sink.received) == 6
    assert local("dlq", "list").out == ""


def test_a_request_retries_up_to_a_hundred_ids(qstash: Qstash) -> None:
    ids = [f"1725323658779-{number}" for number in range(250)]
    responses = [{"messageId": f"msg_{number}"} for number in range(100)]
    replies: Responses = {("POST", "/v2/dlq/retry"): (201, {"cursor": "", "responses": responses})}
    with scripted(qstash, replies) as api:
        run = qstash("dlq", "retry", *ids, "-q")

    queries = sent(api, "POST")
    assert [len(query) for query in queries] == [100, 100, 50]
    assert [pair for query in queries for pair in query] == [("dlqIds", one) for one in ids]
    assert (run.code, run.out.count("\n")) == (0, 300)


def test_an_unknown_entry_is_reported_and_nothing_is_retried(local: Qstash, sink: Sink) -> None:
    known = bury(local, sink)

    run = local("dlq", "retry", known, "1725323658779-9")

    assert (run.code, run.out) == (4, "")
    assert "some messages not found" in run.err
    assert local("dlq", "list", "-q").out == f"{known}\n"


def test_messages_retried_before_an_error_are_printed_and_awaited(
    local: Qstash, sink: Sink
) -> None:
    message_id = local("publish", sink.url, "--wait").out.strip()
    logged = local("logs", "--message", message_id, "-o", "json").json
    responses: Responses = {
        ("POST", "/v2/dlq/retry?dlqIds=1725323658779-0&"): (
            201, {"responses": [{"messageId": message_id}] * 100},
        ),
        ("POST", "/v2/dlq/retry"): (404, {"error": "some messages not found"}),
        ("GET", "/v2/logs"): (200, {"logs": logged}),
    }  # fmt: skip
    with scripted(local, responses) as api:
        run = local("dlq", "retry", *IDS, "--wait", "-o", "json")

    assert (run.code, len(run.json)) == (10, 100)
    error = json.loads(run.err)
    assert error["message"].startswith("100 of 150 entries were retried, then: some messages not")
    assert len(sent(api, "GET")) == 1


def test_entries_without_a_response_are_counted(qstash: Qstash) -> None:
    responses: Responses = {
        ("POST", "/v2/dlq/retry"): (201, {"responses": [{"messageId": "msg_1"}]})
    }
    with scripted(qstash, responses):
        run = qstash("dlq", "retry", "1-1", "1-2")

    assert (run.code, run.out) == (10, "msg_1\n")
    assert "error: 1 of 2 entries was retried" in run.err


# Endless pages


@pytest.mark.parametrize("words", [("dlq", "delete"), ("dlq", "retry")], ids=" ".join)
@pytest.mark.parametrize(
    "case",
    [
        (lambda: repeat("1-1"), 1, "QStash returned the same cursor twice: 1-1", 2),
        (lambda: cycle(("1-1", "1-2", "1-3")), 2, "QStash returned the same cursor twice", 4),
        (lambda: map(str, count()), 0, "a cursor with 500 empty pages in a row", 500),
    ],
    ids=["the same", "in turn", "empty pages"],
)
def test_endless_pages_are_stopped_and_the_progress_is_reported(
    qstash: Qstash, words: tuple[str, ...], case: tuple[Callable[[], Iterator[str]], int, str, int]
) -> None:
    cursors, done, why, requests = case
    following = cursors()

    def page() -> tuple[int, Any]:
        responses = [{"messageId": "msg_1"}] * done
        return 201, {"deleted": done, "responses": responses, "cursor": next(following)}

    with scripted(qstash, {("DELETE", "/v2/dlq"): page, ("POST", "/v2/dlq/retry"): page}) as api:
        run = qstash(*words, "--all", "--yes", "-q")

    total = done * requests
    past = "deleted" if words[1] == "delete" else "retried"
    assert len(api.requests) == requests
    assert run.code == (10 if total else 1), run
    assert why in run.err
    assert (f"{total} entries were {past}, then: " in run.err) is bool(total)
    assert run.out == (f"{total}\n" if past == "deleted" and total else run.out)
    assert past == "deleted" or run.out.count("\n") == total
    assert "hint: run the command again to continue with the remaining entries" in run.err


def test_more_pages_than_the_limit_are_an_error() -> None:
    request = dlq.delete_matching(Filter())
    numbers = map(str, count())
    read = pages(
        lambda _request: {"deleted": 100, "cursor": next(numbers)},
        request,
        itemgetter("deleted"),
        limits=CursorLimits(requests=7, empty=3),
    )
    with pytest.raises(QstashError, match="there is more after 7 requests"):
        assert sum(page["deleted"] for page in read) == 700
