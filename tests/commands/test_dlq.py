from __future__ import annotations

import re

from tests.in_process import Qstash
from tests.sink import Sink


def bury(local: Qstash, sink: Sink, *flags: str) -> str:
    sink.statuses = [503]
    run = local("publish", f"{sink.url}/x", "a=1", "--retries", "0", "--wait", *flags)
    assert run.code == 8, run
    return local("dlq", "list", "-q").out.split()[-1]


def test_an_entry_can_be_displayed(local: Qstash, sink: Sink) -> None:
    sink.body = b"out of paper"
    dlq_id = bury(local, sink, "--label", "night")

    entry = local("dlq", "get", dlq_id).json
    listed = local("dlq", "list", "--label", "night", "--columns", "dlqId,responseStatus")

    assert (entry["responseStatus"], entry["responseBody"]) == (503, "out of paper")
    assert listed.out == f"{dlq_id}\t503\n"
    assert local("dlq", "list", "--label", "day").out == ""


def test_a_retried_entry_is_delivered_under_a_new_id_and_removed(local: Qstash, sink: Sink) -> None:
    dlq_id = bury(local, sink)
    old = sink.received[-1].header("upstash-message-id")
    sink.statuses = [200]

    run = local("dlq", "retry", dlq_id, "--wait")

    assert run.code == 0, run
    assert run.out.strip() == sink.received[-1].header("upstash-message-id") != old
    assert sink.received[-1].body == b'{"a":"1"}'
    assert local("dlq", "list").out == ""
    assert local("dlq", "get", dlq_id).code == 4


def test_entries_are_retried_by_filter(local: Qstash, sink: Sink) -> None:
    bury(local, sink, "--label", "night")
    bury(local, sink, "--label", "day")
    sink.statuses = [200]

    run = local("dlq", "retry", "--label", "night", "--yes", "--wait")

    assert run.code == 0, run
    assert run.out.count("msg_") == 1
    assert local("dlq", "list", "--query", "[].label").json == ["day"]


def test_entries_are_deleted_by_id_or_filter(local: Qstash, sink: Sink) -> None:
    first, _ = bury(local, sink), bury(local, sink, "--label", "x")

    assert local("dlq", "delete", first).out == "1\n"
    assert local("dlq", "delete", first).code == 4
    assert local("dlq", "delete", "--label", "x", "--yes").out == "1\n"
    assert local("dlq", "list").out == ""


def test_a_limited_list_says_so(local: Qstash, sink: Sink) -> None:
    bury(local, sink)
    bury(local, sink)

    cut = local("dlq", "list", "--limit", "1")

    assert cut.out.count("\n") == 1
    assert "showing the oldest 1; use --all for the rest" in cut.err
    assert local("dlq", "list", "--limit", "1", "--all").out.count("\n") == 2


def test_fail_if_any_fails_if_there_is_an_entry(local: Qstash) -> None:
    assert local("dlq", "list", "--fail-if-any").code == 0
    local("publish", "http://127.0.0.1:9/", "--retries", "0", "--wait")

    run = local("dlq", "list", "--fail-if-any", "-q")

    assert (run.code, run.out.count("\n")) == (1, 1)
    assert "1 in the dead letter queue" in run.err


def test_an_entry_without_a_response_has_no_status(local: Qstash) -> None:
    local("publish", "http://127.0.0.1:9/", "--retries", "0", "--wait")

    listed = local("dlq", "list", "-o", "csv").out.splitlines()
    groups = local("dlq", "group", "-o", "csv").out.splitlines()

    assert dict(zip(listed[0].split(","), listed[1].split(","), strict=True))["status"] == ""
    assert dict(zip(groups[0].split(","), groups[1].split(","), strict=True))["status"] == ""
    table = local("dlq", "list", tty=True, columns=200, NO_COLOR="1").out
    assert not re.search("RESPONSE(?! BODY)", table)


def test_a_retry_without_matches_says_so_once(local: Qstash) -> None:
    run = local("dlq", "retry", "--label", "nothing", "--yes", tty=True, NO_COLOR="1")

    assert (run.code, run.out) == (0, "no entries match\n")
    assert "Retried" not in run.err
