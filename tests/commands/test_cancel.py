"""`message cancel`: a bulk action for a filter, one request per hundred ids otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.commands.api_server import ApiServer, Responses, api_server
from tests.commands.test_bulk import publish
from tests.in_process import Qstash
from tests.sink import Sink

BEGUN = {"cancelled": 5_000, "actionId": "bulk_1"}


def action(state: str, processed: int, **more: Any) -> dict[str, Any]:
    fields = {"actionId": "bulk_1", "kind": "cancel", "state": state, "total": 5_000}
    filters = {"filter": {"label": ["a"]}, "createdAt": 1}
    return {**fields, "processed": processed, **filters, **more}


@contextmanager
def scripted(qstash: Qstash, responses: Responses, **given: Any) -> Iterator[ApiServer]:
    with api_server(responses=responses, **given) as api:
        qstash.env |= {"QSTASH_URL": api.url, "QSTASH_TOKEN": "token-of-a-test"}
        yield api


def sent(api: ApiServer, method: str = "DELETE") -> list[list[tuple[str, str]]]:
    """Returns the query of each request with this method."""
    return [parse_qsl(urlsplit(path).query) for verb, path, _ in api.requests if verb == method]


# By filter


def test_one_request_cancels_every_match_and_the_count_is_printed(local: Qstash) -> None:
    publish(local, 1_100, Delay="1d", Label="nightly")
    publish(local, 3, Delay="1d")

    run = local("message", "cancel", "--label", "nightly", "--yes")

    assert (run.code, run.out, run.err) == (0, "1100\n", "")
    (done,) = local("message", "actions", "-o", "json").json
    assert (done["state"], done["processed"], done["total"]) == ("FINISHED", 1_100, 1_100)
    assert done["filter"] == {"label": ["nightly"]}
    assert local("message", "actions", done["actionId"]).json == done
    assert local("message", "action", done["actionId"]).json == done
    assert local("message", "cancel", "--all", "--yes").out == "3\n"


def test_the_request_is_asynchronous_and_has_no_count(qstash: Qstash) -> None:
    responses = {
        ("DELETE", "/v2/messages"): (202, BEGUN),
        ("GET", "/v2/bulkActions/bulk_1"): (200, action("FINISHED", 4_998)),
    }
    with scripted(qstash, responses) as api:
        run = qstash("message", "cancel", "--label", "a", "--yes", "-o", "json")

    # Messages delivered in the meantime were not cancelled.
    assert (run.code, run.json) == (0, {"cancelled": 4_998, "actionId": "bulk_1"})
    assert sent(api) == [[("label", "a"), ("async", "true")]]


def test_the_progress_is_displayed_on_a_terminal(local: Qstash) -> None:
    publish(local, 3_000, Delay="1d")

    run = local("message", "cancel", "--all", "--yes", tty=True, columns=100)

    assert run.code == 0, run
    assert "3000" in run.out
    assert re.search(r"[\d,]+ of 3,000 messages cancelled", run.err)


def test_an_asynchronous_cancel_prints_the_id_of_its_action(local: Qstash) -> None:
    publish(local, 1_500, Delay="1d", Label="nightly")

    run = local("message", "cancel", "--label", "nightly", "--yes", "--async")
    begun = local("message", "cancel", "--label", "x", "--yes", "--async", "-o", "json")

    assert (run.code, run.out.startswith("bulk_"), run.out.count("\n")) == (0, True, 1)
    assert set(begun.json) == {"cancelled", "actionId"}
    shown = local("message", "actions", run.out.strip()).json
    assert (shown["total"], shown["filter"]) == (1_500, {"label": ["nightly"]})


def test_actions_are_listed_by_state(local: Qstash) -> None:
    local("message", "cancel", "--label", "a", "--yes")

    assert local("message", "actions", "--state", "finished", "-q").out.startswith("bulk_")
    assert local("message", "actions", "--state", "in-progress", "-q").out == ""
    empty = local("message", "actions", "--state", "in-progress", tty=True)
    assert empty.out == "no bulk actions match\n"
    assert local("message", "actions", "--state", "running").code == 2


STILL_RUNNING = {"error": "still running"}


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}], ids=["no header", "retry-after"])
def test_a_429_means_that_the_cancel_is_still_running_and_its_action_is_followed(
    qstash: Qstash, headers: Mapping[str, str]
) -> None:
    other = action("IN_PROGRESS", 0, actionId="bulk_0", filter={"label": ["b"]})
    same = action("IN_PROGRESS", 10, filter={"label": ["b", "a"]})
    responses: Responses = {
        ("DELETE", "/v2/messages"): (429, STILL_RUNNING, headers),
        ("GET", "/v2/bulkActions/bulk_1"): (200, action("FINISHED", 5_000)),
        ("GET", "/v2/bulkActions?state=IN_PROGRESS"): (
            200, {"bulkActions": [other, same]},
        ),
    }  # fmt: skip
    with scripted(qstash, responses) as api:
        run = qstash("message", "cancel", "--label", "a,b", "--yes")

    assert (run.code, run.out) == (0, "5000\n"), run
    assert len(sent(api)) == 1


def test_a_running_cancel_with_an_unknown_action_is_an_error(
    qstash: Qstash,
) -> None:
    responses: Responses = {
        ("DELETE", "/v2/messages"): (429, STILL_RUNNING),
        ("GET", "/v2/bulkActions"): (200, {"bulkActions": []}),
    }
    with scripted(qstash, responses) as api:
        run = qstash("message", "cancel", "--label", "a", "--yes", "--async")

    assert (run.code, run.out) == (1, "")
    assert "continues in the background" in run.err
    assert "hint: `qstash message actions` shows the progress" in run.err
    assert len(sent(api)) == 1


def test_a_429_with_rate_limit_headers_is_a_rate_limit(qstash: Qstash) -> None:
    limit = {"Burst-RateLimit-Limit": "10", "Burst-RateLimit-Reset": "1"}
    responses: Responses = {("DELETE", "/v2/messages"): (429, {"error": "slow down"}, limit)}
    qstash.hurry()
    with scripted(qstash, responses) as api:
        run = qstash("message", "cancel", "--label", "a", "--yes", "--max-wait", "3s")

    assert (run.code, run.out) == (5, "")
    assert len(sent(api)) > 1


def test_an_unfinished_action_ends_the_wait(qstash: Qstash) -> None:
    responses: Responses = {
        ("DELETE", "/v2/messages"): (202, BEGUN),
        ("GET", "/v2/bulkActions/bulk_1"): (200, action("IN_PROGRESS", 1_200)),
    }
    qstash.hurry()
    with scripted(qstash, responses):
        run = qstash("message", "cancel", "--label", "a", "--yes", "--wait-timeout", "2m")

    assert (run.code, run.out) == (124, "")
    state = "the cancel continues in the background, so far 1,200 of 5,000 messages"
    assert run.err.splitlines() == [
        f"error: not finished within 2m: {state}",
        "hint: `qstash message actions bulk_1` shows its progress",
    ]


def test_an_interrupted_wait_says_that_the_cancel_continues(qstash: Qstash) -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    qstash.sleep = interrupted
    responses: Responses = {
        ("DELETE", "/v2/messages"): (202, BEGUN),
        ("GET", "/v2/bulkActions/bulk_1"): (200, action("IN_PROGRESS", 1_200)),
    }
    with scripted(qstash, responses):
        run = qstash("message", "cancel", "--label", "a", "--yes")

    assert run.code == 130
    assert "interrupted; the cancel continues in the background, so far 1,200 of 5,000" in run.err
    assert "hint: `qstash message actions bulk_1`" in run.err


def test_a_failure_while_waiting_says_that_the_cancel_continues(qstash: Qstash) -> None:
    responses: Responses = {
        ("DELETE", "/v2/messages"): (202, BEGUN),
        ("GET", "/v2/bulkActions/bulk_1"): (403, {"error": "read-only"}),
    }
    with scripted(qstash, responses):
        run = qstash("message", "cancel", "--label", "a", "--yes")

    assert run.code == 3
    assert "the cancel continues in the background" in run.err


def test_an_action_that_is_not_listed_yet_is_waited_for(qstash: Qstash) -> None:
    qstash.hurry()
    responses: Responses = {
        ("DELETE", "/v2/messages"): (202, BEGUN),
        ("GET", "/v2/bulkActions/bulk_1"): (404, {"error": "not found"}),
    }
    with scripted(qstash, responses) as api:
        run = qstash("message", "cancel", "--label", "a", "--yes")

    assert run.code == 4
    assert len(sent(api, "GET")) > 5


def test_a_server_without_bulk_actions_is_supported(qstash: Qstash) -> None:
    with scripted(qstash, {("DELETE", "/v2/messages"): (202, {"cancelled": 7})}):
        run = qstash("message", "cancel", "--all", "--yes", "--async")

    assert (run.code, run.out) == (0, "7\n")


def test_the_question_names_the_objects_the_account_and_the_number_if_known(local: Qstash) -> None:
    local("queue", "set", "orders")
    local("queue", "pause", "orders")
    for _ in range(2):
        local("publish", "http://127.0.0.1:9/", "--queue", "orders")
    where = f"of QSTASH_TOKEN, {local.env['QSTASH_URL']}"

    by_queue = local("message", "cancel", "--queue", "orders", tty=True, stdin=b"n\n")
    by_label = local("message", "cancel", "--label", "a,b", tty=True, stdin=b"n\n")
    everything = local("message", "cancel", "--all", tty=True, stdin=b"n\n")

    assert f"Cancel 2 messages (queue orders) {where}? [y/N]" in by_queue.err
    assert f"Cancel all messages (label a or b) {where}? [y/N]" in by_label.err
    assert f"Cancel all messages {where}? [y/N]" in everything.err
    assert {by_queue.code, by_label.code, everything.code} == {130}
    assert local("message", "actions", "-q").out == ""


def test_a_preview_displays_the_single_request(qstash: Qstash) -> None:
    run = qstash("message", "cancel", "--label", "a", "--dry-run", QSTASH_TOKEN="t")

    assert run.out.startswith("DELETE https://qstash.upstash.io/v2/messages?label=a&async=true\n")
    assert "then GET /v2/bulkActions/{actionId} until it is FINISHED" in run.out


# By ids


def test_several_ids_are_cancelled_in_one_request(local: Qstash, sink: Sink) -> None:
    ids = [local("publish", sink.url, "--delay", "1d").out.strip() for _ in range(3)]

    run = local("message", "cancel", *ids, "--verbose")

    assert (run.code, run.out) == (0, "3\n"), run
    assert run.err.count("> DELETE ") == 1
    assert {local("message", "get", one).code for one in ids} == {4}


def test_a_request_cancels_up_to_a_hundred_ids(qstash: Qstash) -> None:
    ids = [f"msg_{number}" for number in range(250)]
    counts = {"cancelled": 100}
    with scripted(qstash, {("DELETE", "/v2/messages"): (202, counts)}) as api:
        run = qstash("message", "cancel", *ids, *ids[:10])

    assert [len(query) for query in sent(api)] == [100, 100, 50]
    assert [pair for query in sent(api) for pair in query] == [("messageIds", one) for one in ids]
    assert run.out == "300\n"


def test_ids_that_were_not_cancelled_are_counted(local: Qstash, sink: Sink) -> None:
    waiting = local("publish", sink.url, "--delay", "1d").out.strip()
    done = local("publish", sink.url, "--wait").out.strip()

    run = local("message", "cancel", waiting, done, "msg_unknown")
    again = local("message", "cancel", waiting, done, "-o", "json")

    assert (run.code, run.out) == (10, "1\n")
    assert run.err.splitlines() == [
        "error: 1 of 3 messages was cancelled",
        "hint: the others are finished or unknown; QStash does not report which",
    ]
    assert (again.code, again.json) == (4, {"cancelled": 0})
    assert json.loads(again.err)["message"] == "none of 2 messages was cancelled"


def test_messages_cancelled_before_an_error_are_reported(qstash: Qstash) -> None:
    ids = [f"msg_{number:03}" for number in range(250)]
    responses: Responses = {
        ("DELETE", "/v2/messages?messageIds=msg_000&"): (202, {"cancelled": 100}),
        ("DELETE", "/v2/messages"): (403, {"error": "no"}),
    }
    with scripted(qstash, responses) as api:
        run = qstash("message", "cancel", *ids)

    assert (run.code, run.out) == (10, "100\n")
    assert "error: 100 of 250 messages were cancelled, then: " in run.err
    assert len(sent(api)) == 2


@pytest.mark.parametrize("flags", [("--label", "a"), ("--all",), ("--async",)], ids=str)
def test_ids_cannot_be_combined_with_filters(local: Qstash, flags: tuple[str, ...]) -> None:
    run = local("message", "cancel", "msg_1", *flags, "--yes")

    assert run.code == 2
    assert "nothing was cancelled" in run.err
