"""`--wait` prints ids first, then every undelivered message. The worst determines the exit code."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from tests.commands.api_server import Responses
from tests.commands.test_cancel import scripted
from tests.commands.test_dlq import bury
from tests.in_process import Qstash
from tests.sink import Sink

Waits = Callable[[Qstash, Sink], tuple[str, ...]]
# A rejected message waits for its retry.
LATER = ("--retries", "1", "--retry-delay", "86400000")


def publishing(_local: Qstash, sink: Sink) -> tuple[str, ...]:
    return "publish", sink.url, "--delay", "1d"


def publishing_to_a_group(local: Qstash, sink: Sink) -> tuple[str, ...]:
    local("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b")
    return "publish", "team", "--delay", "1d"


def running_a_schedule(local: Qstash, sink: Sink) -> tuple[str, ...]:
    flags = ("--cron", "0 0 1 1 *", "--id", "report", "--delay", "1d")
    local("schedule", "create", sink.url, *flags)
    return "schedule", "run", "report"


def retrying_an_entry(local: Qstash, sink: Sink) -> tuple[str, ...]:
    return "dlq", "retry", bury(local, sink), *LATER


def retrying_by_filter(local: Qstash, sink: Sink) -> tuple[str, ...]:
    bury(local, sink, "--label", "x")
    bury(local, sink, "--label", "x")
    return "dlq", "retry", "--label", "x", "--yes", *LATER


WAITS: tuple[tuple[Waits, int], ...] = (
    (publishing, 1), (publishing_to_a_group, 2), (running_a_schedule, 1), (retrying_an_entry, 1),
    (retrying_by_filter, 2),
)  # fmt: skip


@pytest.mark.parametrize("form", ["ids", "json", "table"])
@pytest.mark.parametrize(("waits", "count"), WAITS, ids=lambda one: getattr(one, "__name__", ""))
def test_an_interrupted_wait_has_printed_the_ids_and_how_to_follow_them(
    local: Qstash, sink: Sink, waits: Waits, count: int, form: str
) -> None:
    argv = waits(local, sink)
    written: list[str] = []

    def interrupted(_seconds: float) -> None:
        written.append(invocation.out.getvalue())
        raise KeyboardInterrupt

    invocation = replace(local, sleep=interrupted).invocation()
    run = invocation.run(*argv, "--wait", "-o", form)

    code, out, err = run.code, run.out, run.err
    # The JSON document was complete before the wait started.
    assert (code, written) == (130, [out])
    ids = [word.strip('",') for word in out.split() if "msg_" in word]
    assert len(ids) == count
    if form == "json":
        json.loads(out)
        err = json.loads(err.splitlines()[-1])["hint"] + err
    what = f"{ids[0]} was published" if count == 1 else f"{count} messages were published"
    assert f"interrupted; {what}" in err
    assert f"`qstash message wait {ids[0]}` waits for its delivery" in err
    assert f"`qstash logs --message {ids[0]} --follow`" in err


def test_each_retried_message_that_fails_is_reported(local: Qstash, sink: Sink) -> None:
    dlq_ids = [bury(local, sink) for _ in range(3)]
    sink.statuses = [500, 404, 200]

    run = local("dlq", "retry", *dlq_ids, "--wait")

    assert run.code == 8, run
    assert len(run.out.split()) == 3
    head, *lines, hint = run.err.splitlines()
    assert head == "error: 2 of 3 messages were not delivered"
    assert sorted(line.partition(" failed: ")[2] for line in lines) == [
        "404 after 1 attempt: ok", "500 after 1 attempt: ok",
    ]  # fmt: skip
    assert {line.split()[0] for line in lines} < set(run.out.split())
    assert hint.startswith("hint: `qstash message show msg_")


def test_several_failures_are_all_reported_as_json_too(local: Qstash, sink: Sink) -> None:
    for _ in range(12):
        bury(local, sink, "--label", "x")

    run = local("dlq", "retry", "--label", "x", "--yes", "--wait", "-o", "json")

    assert run.code == 8
    message = json.loads(run.err)["message"]
    assert message.startswith("12 of 12 messages were not delivered\n")
    assert all(one["messageId"] in message for one in run.json)


@pytest.mark.parametrize(
    ("statuses", "flags", "end"),
    [
        ([500, 200], ("--wait-timeout", "60s"), (8, "1 of 2 messages was not delivered")),
        (
            [500, 503],
            ("--wait-timeout", "2s", *LATER),
            (124, "2 of 2 messages were not delivered"),
        ),
        ([200, 200], ("--wait-timeout", "60s"), (0, "")),
    ],
    ids=["a failure", "late", "delivered"],
)
def test_the_outcomes_of_the_messages_determine_the_exit_code(
    local: Qstash, sink: Sink, statuses: list[int], flags: tuple[str, ...], end: tuple[int, str]
) -> None:
    dlq_ids = [bury(local, sink), bury(local, sink)]
    sink.statuses = statuses

    run = local("dlq", "retry", *dlq_ids, *flags, "--wait")

    assert (run.code, end[1] in run.err) == (end[0], True), run


@pytest.mark.parametrize("order", [0, 1])
def test_a_failure_is_worse_than_a_timeout(
    local: Qstash, order: int, eventually: Callable[..., object]
) -> None:
    may_end = threading.Event()
    now_s = local.now()

    def respond(_request: Received) -> tuple[int, bytes]:
        may_end.wait()
        return 200, b""

    def sleep(seconds: float) -> None:
        """Passes the time once a message has failed."""
        nonlocal now_s
        eventually(lambda: local("logs", "--state", "failed", "-q").out)
        now_s += seconds

    with running_endpoint(respond) as endpoint:
        urls = [endpoint.url, "http://127.0.0.1:9/"]
        local("urlgroup", "add", "team", urls[order], urls[1 - order])
        waiting = replace(local, now=lambda: now_s, sleep=sleep)
        try:
            run = waiting("publish", "team", "--retries", "0", "--wait", "--wait-timeout", "1s")
        finally:
            may_end.set()

    assert run.code == 8, run
    assert "2 of 2 messages were not delivered" in run.err
    assert " failed after 1 attempt: " in run.err
    assert "not delivered within 1s: msg_" in run.err


def test_the_timeout_applies_to_all_messages_together(local: Qstash, sink: Sink) -> None:
    local("urlgroup", "add", "team", *(f"{sink.url}/{number}" for number in range(5)))
    local.hurry()
    began_at = local.now()

    run = local("publish", "team", "--delay", "1d", "--wait", "--wait-timeout", "30s")

    assert run.code == 124
    assert run.err.count("not delivered within 30s: msg_") == 5
    # One timeout for each message would be 150 s.
    assert local.now() - began_at < 100


def test_the_id_of_a_schedule_is_printed_before_the_next_request(qstash: Qstash) -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    # The client waits before it retries the read of the URL group.
    limit = {"Burst-RateLimit-Limit": "1", "Burst-RateLimit-Reset": "1"}
    responses: Responses = {
        ("POST", "/v2/schedules/team"): (201, {"scheduleId": "scd_1"}),
        ("GET", "/v2/topics/team"): (429, {"error": "slow down"}, limit),
    }
    qstash.sleep = interrupted
    with scripted(qstash, responses):
        run = qstash("schedule", "create", "team", "--cron", "@daily")

    assert (run.code, run.out) == (130, "scd_1\n")


# The last sentence


def test_a_delivery_ends_with_its_status_its_attempts_and_its_time(
    local: Qstash, sink: Sink
) -> None:
    sink.statuses = [503, 503, 200]

    run = local("publish", sink.url, "--retries", "2", "--retry-delay", "1", "--wait")
    again = local("message", "wait", run.out.strip())
    quiet = local("message", "wait", run.out.strip(), "--quiet")

    assert (run.code, again.code) == (0, 0)
    assert re.fullmatch(r"Delivered: 200 after 3 attempts, \d+\.\d\d s\n", run.err)
    assert again.err == run.err
    assert quiet.err == ""


def test_a_failure_ends_with_the_first_line_of_the_response(local: Qstash, sink: Sink) -> None:
    sink.statuses, sink.body = [503], b"\n  upstream \x1b[31mdown\nmore\n"

    run = local("publish", sink.url, "--retries", "1", "--retry-delay", "1", "--wait")

    message_id = run.out.strip()
    assert run.code == 8
    assert run.err.splitlines() == [
        rf"error: {message_id} failed: 503 after 2 attempts: upstream \x1b[31mdown",
        f"hint: `qstash message show {message_id}` shows its attempts and responses",
    ]


def test_a_long_response_is_cut(local: Qstash, sink: Sink) -> None:
    sink.statuses, sink.body = [500], b"x" * 100_000

    run = local("publish", sink.url, "--retries", "0", "--wait")

    assert f" failed: 500 after 1 attempt: {'x' * 200}…\n" in run.err


def test_a_page_of_markup_is_not_quoted(local: Qstash, sink: Sink) -> None:
    sink.statuses, sink.body = [500], b"<!doctype html><title>no</title>"

    run = local("publish", sink.url, "--retries", "0", "--wait")

    assert run.err.splitlines()[0].endswith(" failed: 500 after 1 attempt")


def test_a_destination_that_does_not_respond_is_the_reason(local: Qstash) -> None:
    run = local("publish", "http://127.0.0.1:9/", "--retries", "0", "--wait")

    assert re.match(r"error: msg_\w+ failed after 1 attempt: .+\n", run.err), run


def test_a_cancelled_message_is_not_reported_as_failed(local: Qstash, sink: Sink) -> None:
    message_id = local("publish", sink.url, "--delay", "1d").out.strip()
    local("message", "cancel", message_id)

    run = local("message", "wait", message_id)

    assert (run.code, run.err) == (8, f"error: {message_id} was cancelled\n")


def test_several_deliveries_end_with_one_sentence(local: Qstash, sink: Sink) -> None:
    local("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b")

    run = local("publish", "team", "--wait")

    assert re.fullmatch(r"Delivered: 2 messages, \d+\.\d\d s\n", run.err), run
