"""`publish` sends the same headers as the official SDK for the same options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from qstash_cli.protocol.options import MessageOptions, table
from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from tests.conformance.conftest import Connect
from tests.in_process import Qstash
from tests.stopping import stopped_later

URL = "https://example.com/hook"
CASES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "method": (("-X", "PUT"), {"method": "PUT"}),
    "delay_s": (("--delay", "50s"), {"delay": "50s"}),
    "not_before_s": (("--not-before", "1999999999"), {"not_before": 1_999_999_999}),
    "timeout_s": (("--timeout", "30s"), {"timeout": 30}),
    "retries": (("--retries", "0"), {"retries": 0}),
    "retry_delay": (
        ("--retry-delay", "1000 * pow(2, retried)"),
        {"retry_delay": "1000 * pow(2, retried)"},
    ),
    "dedup_id": (("--dedup-id", "a-1"), {"deduplication_id": "a-1"}),
    "dedup_content": (("--dedup-content",), {"content_based_deduplication": True}),
    "label": (("--label", "one", "--label", "two"), {"label": "one,two"}),
    "flow_key": (
        ("--flow-key", "k", "--parallelism", "3"),
        {"flow_control": {"key": "k", "parallelism": 3}},
    ),
    "parallelism": (
        ("--flow-key", "k", "--parallelism", "3", "--rate", "10", "--period", "1m"),
        {"flow_control": {"key": "k", "parallelism": 3, "rate": 10, "period": "1m"}},
    ),
    "rate": (
        ("--flow-key", "k", "--rate", "10"),
        {"flow_control": {"key": "k", "rate": 10}},
    ),
    "period_s": (
        ("--flow-key", "k", "--rate", "10", "--period", "30s"),
        {"flow_control": {"key": "k", "rate": 10, "period": 30}},
    ),
    "redact": (
        ("--redact", "body,header[X-Key]"),
        {"redact": {"body": True, "header": ["X-Key"]}},
    ),
    "callback": (("--callback", "https://a.example/c"), {"callback": "https://a.example/c"}),
    "failure_callback": (
        ("--failure-callback", "https://a.example/f"),
        {"failure_callback": "https://a.example/f"},
    ),
    "headers": (
        ("-H", "X-Trace: 1", "-H", "Content-Type: text/plain"),
        {"headers": {"X-Trace": "1"}, "content_type": "text/plain"},
    ),
    "on_callback": (
        (
            "--callback", "https://a.example/c",
            "--callback-retries", "2", "--callback-header", "X: 1",
        ),
        {
            "callback": "https://a.example/c",
            "callback_headers": {"Retries": "2", "Upstash-Callback-Forward-X": "1"},
        },
    ),
    "on_failure_callback": (
        (
            "--failure-callback", "https://a.example/f",
            "--failure-callback-delay", "5s", "--failure-callback-method", "PUT",
        ),
        {
            "failure_callback": "https://a.example/f",
            "failure_callback_headers": {"Delay": "5s", "Method": "PUT"},
        },
    ),
}  # fmt: skip
# The queue is part of the path; the others apply to schedules and URL groups.
ELSEWHERE = {"queue", "header_forward", "cron", "schedule_id"}


@pytest.fixture
def recorder() -> Iterator[LocalEndpoint]:
    with stopped_later(
        running_endpoint(lambda _request: (201, b'{"messageId":"msg_1"}'))
    ) as endpoint:
        yield endpoint


def options_of(request: Received) -> dict[str, str]:
    found = {
        name.lower(): value
        for name, value in request.headers
        if name.lower().startswith("upstash-") or name.lower() == "content-type"
    }
    # The SDK sends `True`; QStash ignores case.
    switch = "upstash-content-based-deduplication"
    return found | ({switch: found[switch].lower()} if switch in found else {})


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_the_same_option_sends_the_same_header(
    qstash: Qstash,
    recorder: LocalEndpoint,
    connect: Connect,
    case: tuple[tuple[str, ...], dict[str, Any]],
) -> None:
    flags, arguments = case
    connect("token", recorder.url).message.publish(url=URL, body="{}", **arguments)
    run = qstash(
        "publish", URL, "-d", "{}", "--no-idempotency", "--no-check", *flags,
        QSTASH_TOKEN="token", QSTASH_URL=recorder.url,
    )  # fmt: skip

    assert run.code == 0, run
    by_sdk, by_us = recorder.received
    assert options_of(by_us) == options_of(by_sdk)
    assert (by_us.method, by_us.path, by_us.body) == (by_sdk.method, by_sdk.path, by_sdk.body)
    assert by_us.header("authorization") == by_sdk.header("authorization")


def test_every_option_is_compared() -> None:
    families = {"headers", "on_callback", "on_failure_callback"}

    assert set(CASES) == {name for name, _ in table()} - ELSEWHERE | families
    assert families <= set(MessageOptions.__dataclass_fields__)


def test_enqueue_uses_the_same_path(
    qstash: Qstash, recorder: LocalEndpoint, connect: Connect
) -> None:
    connect("token", recorder.url).message.enqueue(queue="q.1", url=f"{URL}?a=1", body="x")
    qstash("publish", f"{URL}?a=1", "--queue", "q.1", "-d", "x", "--no-idempotency", "--no-check",
           QSTASH_TOKEN="token", QSTASH_URL=recorder.url)  # fmt: skip

    by_sdk, by_us = recorder.received
    assert (by_us.path, options_of(by_us)) == (by_sdk.path, options_of(by_sdk))
