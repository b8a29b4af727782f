from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qstash_cli.protocol.traceparent import parse
from tests.in_process import Qstash
from tests.sink import Sink


def test_a_pipe_gets_only_the_message_id(local: Qstash, sink: Sink) -> None:
    run = local("publish", f"{sink.url}/hook", "name=ada", "admin:=true", "--wait")

    assert run.code == 0, run
    assert run.out.startswith("msg_")
    assert run.out.count("\n") == 1
    assert re.fullmatch(r"Delivered: 200 after 1 attempt, \d+\.\d\d s\n", run.err)
    assert json.loads(sink.received[0].body) == {"name": "ada", "admin": True}
    assert sink.received[0].header("content-type") == "application/json"


def test_a_terminal_gets_a_table(local: Qstash, sink: Sink) -> None:
    run = local("publish", sink.url, tty=True)

    assert run.code == 0, run
    assert "Message ID" in run.out
    assert "msg_" in run.out


def test_waiting_for_a_message_that_fails_exits_with_8(local: Qstash, sink: Sink) -> None:
    sink.statuses = [500]

    run = local("publish", sink.url, "--retries", "0", "--wait")

    assert run.code == 8, run
    assert run.out.startswith("msg_")
    assert "error: " in run.err
    assert "hint: `qstash message show msg_" in run.err


def test_waiting_ends_after_the_timeout(local: Qstash, sink: Sink) -> None:
    run = local("publish", sink.url, "--delay", "1h", "--wait", "--wait-timeout", "1s")

    assert run.code == 124, run
    assert "hint: `qstash message wait msg_" in run.err


def test_a_body_is_sent_byte_for_byte(local: Qstash, sink: Sink, tmp_path: Path) -> None:
    body = bytes(range(256))
    (tmp_path / "body").write_bytes(body)

    run = local("publish", sink.url, "-d", f"@{tmp_path}/body", "-X", "PUT", "--wait")

    assert run.code == 0, run
    assert sink.received[0].method == "PUT"
    assert sink.received[0].body == body


def test_standard_input_is_read_only_on_request(local: Qstash, sink: Sink) -> None:
    assert local("publish", sink.url, "--wait", stdin=b"left alone").code == 0
    assert local("publish", sink.url, "-d", "-", "--wait", stdin=b"taken").code == 0

    assert [request.body for request in sink.received] == [b"", b"taken"]


def test_a_dry_run_sends_nothing_and_hides_the_token(local: Qstash, sink: Sink) -> None:
    run = local("publish", sink.url, "a=1", "--dry-run")

    assert run.code == 0, run
    assert "POST" in run.out.splitlines()[0]
    assert f"/v2/publish/{sink.url}" in run.out
    assert '{"a":"1"}' in run.out
    assert local.env["QSTASH_TOKEN"] not in run.out + run.err
    assert local("logs").out == ""


def test_a_dry_run_needs_no_credentials(qstash: Qstash) -> None:
    run = qstash("publish", "https://example.com/hook", "--dry-run")

    assert run.code == 0, run
    assert "https://qstash.upstash.io/v2/publish/https://example.com/hook" in run.out


def test_curl_reads_the_token_from_the_environment(local: Qstash, sink: Sink) -> None:
    run = local("publish", sink.url, "a=1", "--curl")

    assert run.out.startswith("curl ")
    assert "$QSTASH_TOKEN" in run.out
    assert local.env["QSTASH_TOKEN"] not in run.out


def test_a_dry_run_as_jsonl_is_a_batch_item(qstash: Qstash) -> None:
    run = qstash("publish", "https://a.example/x?y=1", "n:=1", "--queue", "q", "--no-idempotency",
                 "--dry-run", "-o", "jsonl")  # fmt: skip

    assert run.json == {
        "destination": "https://a.example/x?y=1",
        "headers": {"Content-Type": "application/json"},
        "body": '{"n":1}',
        "queue": "q",
    }


def test_an_invalid_token_exits_with_3_and_is_not_printed(local: Qstash, sink: Sink) -> None:
    run = local("publish", sink.url, QSTASH_TOKEN="wrong-secret-token")

    assert run.code == 3, run
    assert "unable to authenticate: invalid token" in run.err
    assert "wrong-secret-token" not in run.err


def test_missing_credentials_exit_with_3_and_a_hint(qstash: Qstash) -> None:
    run = qstash("publish", "https://example.com/hook")

    assert run.code == 3, run
    assert "qstash demo" in run.err


def test_an_unreachable_server_exits_with_6_and_suggests_dev(qstash: Qstash) -> None:
    run = qstash("publish", "http://127.0.0.1:9/x", "--dev", QSTASH_DEV_PORT="9")

    assert run.code == 6, run
    assert (
        "hint: start the server with `qstash dev`; "
        "if it runs on another port, set QSTASH_DEV_PORT and add --dev"
    ) in run.err


def test_errors_are_json_if_results_are(qstash: Qstash) -> None:
    run = qstash("publish", "example.com/x", "-o", "json")

    assert json.loads(run.err) == {
        "code": "bad_input",
        "message": "the destination has no http:// or https://: example.com/x",
        "status": None,
        "hint": "try https://example.com/x",
    }


def test_the_trace_masks_the_token(local: Qstash, sink: Sink) -> None:
    run = local("publish", sink.url, "--verbose")

    assert f"> POST {local.env['QSTASH_URL']}/v2/publish/{sink.url}" in run.err
    assert "> Authorization: Bearer …" in run.err
    assert local.env["QSTASH_TOKEN"] not in run.err


@pytest.mark.parametrize(
    ("flags", "ids"),
    [((), 2), (("--dedup-id", "one"), 1), (("--dedup-content",), 1)],
    ids=["neither", "id", "content"],
)
def test_equal_messages_are_deduplicated_only_on_request(
    local: Qstash, sink: Sink, flags: tuple[str, ...], ids: int
) -> None:
    runs = [local("publish", sink.url, "a=1", "--no-idempotency", *flags, "-q") for _ in range(2)]

    assert len({run.out for run in runs}) == ids


@pytest.mark.parametrize(
    ("not_before", "warns"),
    [("2020-01-01T00:00:00Z", True), ("3s ago", True), ("in 10m", False), ("now", False)],
)
def test_a_not_before_in_the_past_causes_a_warning(
    local: Qstash, sink: Sink, not_before: str, warns: bool
) -> None:
    run = local("publish", sink.url, "--not-before", not_before)

    assert run.code == 0, run
    assert ("--not-before has passed" in run.err) == warns, run


def test_a_trace_continues_the_one_of_the_environment(local: Qstash, sink: Sink) -> None:
    trace_id, parent_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    parent = f"00-{trace_id}-{parent_id}-01"

    run = local("publish", sink.url, "--trace", "--wait", TRACEPARENT=parent, TRACESTATE="vendor=1")

    assert run.code == 0, run
    delivered = sink.received[0]
    forwarded = delivered.header("traceparent") or ""
    assert re.fullmatch(f"00-{trace_id}-[0-9a-f]{{16}}-01", forwarded)
    span_id = forwarded.split("-")[2]
    assert span_id != parent_id
    assert delivered.header("tracestate") == f"qstash={span_id}-{parent_id},vendor=1"


def test_an_invalid_traceparent_of_the_environment_starts_a_new_trace(
    local: Qstash, sink: Sink
) -> None:
    run = local("publish", sink.url, "--trace", "--wait", TRACEPARENT="00-x")

    assert run.code == 0, run
    assert "TRACEPARENT is not a valid traceparent; starting a new trace" in run.err
    assert parse(sink.received[0].header("traceparent") or "") is not None


def test_a_trace_and_deduplication_by_content_are_refused(local: Qstash, sink: Sink) -> None:
    run = local("publish", sink.url, "--trace", "--dedup-content")

    assert run.code == 2, run
    assert "a traceparent makes messages differ" in run.err


def test_a_trace_and_a_header_with_a_trace_are_refused(local: Qstash, sink: Sink) -> None:
    run = local("publish", sink.url, "--trace", "-H", "traceparent: 00-x")

    assert run.code == 2, run
    assert "error: --trace and the header traceparent cannot be combined" in run.err
    assert sink.received == []
