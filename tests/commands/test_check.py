"""`check` compares the account with limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.commands.api_server import api_server
from tests.faults import Proxy, running_proxy
from tests.in_process import Qstash, Run
from tests.sink import Sink

DAY_S = 86_400


def later(qstash: Qstash, seconds: float, *argv: str) -> Run:
    """Returns `qstash` with a clock in the future."""
    return replace(qstash, now=lambda: time.time() + seconds)(*argv)


def test_dlq_entries_on_all_pages_are_counted(
    local: Qstash, sink: Sink, eventually: Callable[..., object]
) -> None:
    sink.statuses = [500]
    lines = b"\n".join(b'{"n":%d}' % n for n in range(130))
    assert local("batch", "-", "--to", sink.url, "--retries", "0", stdin=lines).code == 0
    check = ("check", "--dlq-max", "129")
    eventually(lambda: local(*check, "-o", "json").json[0]["value"] == 130)

    over, enough = local(*check), local("check", "--dlq-max", "130")

    assert (over.code, over.out) == (1, "exceeded  dlq: 130 entries (limit 129)\n")
    assert over.err.splitlines() == [
        "error: exceeded: DLQ has 130 entries (limit 129)",
        "hint: `qstash dlq list` shows the entries",
    ]
    assert (enough.code, enough.out, enough.err) == (
        0, "ok        dlq: 130 entries (limit 130)\n", ""
    )  # fmt: skip


def test_dlq_entries_are_counted_by_label_and_since_a_time(
    local: Qstash, undelivered: Callable[..., None]
) -> None:
    undelivered("--label", "payments")
    undelivered("--label", "mails")
    undelivered()

    def value(*flags: str, in_s: float = 0) -> int:
        run = later(local, in_s, "check", "--dlq-max", "9", *flags, "-o", "json")
        count = run.json[0]["value"]
        assert isinstance(count, int)
        return count

    assert value() == 3
    assert value("--label", "payments,mails") == value("--label=payments", "--label=mails") == 2
    assert value("--label", "nobody") == 0
    assert value("--dlq-since", "30m") == 3
    assert value("--dlq-since", "30m", in_s=DAY_S) == 0
    output = local("check", "--dlq-max", "1", "--dlq-since", "30m", "--label", "mails")
    assert output.out == "ok        dlq: 1 entry (limit 1; label mails, since 30m)\n"


def test_the_lag_of_a_queue_is_compared_with_its_limit(local: Qstash, sink: Sink) -> None:
    for name, count in (("orders", 2), ("mails", 0)):
        local("queue", "set", name)
        local("queue", "pause", name)
        for _ in range(count):
            local("publish", sink.url, "--queue", name)

    run = local("check", "--queue", "orders", "--queue", "mails", "--lag-max", "1")

    assert run.code == 1
    assert run.out == (
        "exceeded  queue orders: lag 2 (limit 1; paused)\n"
        "ok        queue mails: lag 0 (limit 1; paused)\n"
    )
    assert "error: exceeded: queue orders has 2 waiting (limit 1;" in run.err
    assert local("check", "--queue", "orders", "--lag-max", "2").code == 0
    assert local("check", "--queue", "unknown", "--lag-max", "2").code == 4


def test_the_waiting_messages_of_a_flow_control_key_are_compared_with_a_limit(
    local: Qstash, sink: Sink
) -> None:
    local("flow", "pause", "a b")
    local("publish", sink.url, "--flow-key", "a b", "--parallelism", "1")
    check = ("check", "--flow", "a b", "--flow", "nobody", "--waiting-max")

    over, enough = local(*check, "0"), local(*check, "1")

    assert (over.code, enough.code) == (1, 0)
    assert over.out == (
        "exceeded  flow a b: 1 waiting (limit 0; paused)\n"
        "ok        flow nobody: 0 waiting (limit 0; no such key now)\n"
    )
    assert "exceeded: flow control key a b has 1 waiting (limit 0;" in over.err
    assert "hint: `qstash flow get 'a b'`" in over.err


def test_a_server_without_flow_control_keys_does_not_pass(qstash: Qstash) -> None:
    with api_server(responses={}) as api:
        run = qstash("check", "--flow", "api", "--waiting-max", "9",
                     QSTASH_URL=api.url, QSTASH_TOKEN="t")  # fmt: skip

    assert (run.code, run.out) == (4, "")


@pytest.mark.parametrize("body", [{}, [], {"lag": None}, "no"])
def test_a_response_without_the_number_does_not_pass(qstash: Qstash, body: object) -> None:
    with api_server(responses={("GET", "/v2/"): (200, body)}) as api:
        env: dict[str, Any] = {"QSTASH_URL": api.url, "QSTASH_TOKEN": "token-of-a-test"}
        lag = qstash("check", "--queue", "orders", "--lag-max", "9", **env)
        schedules = qstash("check", "--schedule-late", "1m", **env)

    assert (lag.code, lag.out) == (1, "")
    assert "unexpected response from GET /v2/queues/orders" in lag.err
    assert (schedules.code == 0) == (body == [])


def test_a_schedule_with_failed_deliveries_fails_until_it_is_paused(
    manual: Qstash, sink: Sink, advance: Callable[[str], None]
) -> None:
    sink.statuses = [500]
    create = ("schedule", "create", sink.url, "--cron", "0 * * * *", "--retries", "0")
    assert manual(*create, "--id", "report", "--label", "nightly").code == 0
    check = ("check", "--schedules-failed-max", "0")

    advance("1h")
    run = manual(*check)

    assert run.code == 1
    assert run.out == "exceeded  schedules-failed: 1 failed (limit 0; report)\n"
    assert "error: exceeded: 1 schedule failed (limit 0; report)" in run.err
    assert manual(*check, "--label", "other").code == 0
    manual("schedule", "pause", "report")
    assert manual(*check).code == 0


def test_a_schedule_that_cannot_publish_fails(
    manual: Qstash, sink: Sink, advance: Callable[[str], None]
) -> None:
    manual("urlgroup", "add", "team", sink.url)
    manual("schedule", "create", "team", "--cron", "0 * * * *", "--id", "report")
    manual("urlgroup", "delete", "team", "--yes")
    check = ("check", "--schedules-failed-max", "0", "-o", "json")

    advance("1h")
    run = manual(*check)

    assert run.code == 1
    (record,) = run.json
    assert record["detail"].startswith("report: ")
    assert "team" in record["detail"]


def test_a_late_schedule_is_named(local: Qstash, sink: Sink) -> None:
    for name in ("report", "digest", "paused"):
        local("schedule", "create", sink.url, "--cron", "@daily", "--id", name, "--label", name)
    local("schedule", "pause", "paused")
    check = ("check", "--schedule-late", "10m")

    assert local(*check).out == (
        "ok        schedule-late: 0 late (limit 0; by more than 10m)\n"
    )  # fmt: skip
    run = later(local, 2 * DAY_S, *check)

    assert run.code == 1
    assert run.out == (
        "exceeded  schedule-late: 2 late (limit 0; by more than 10m: digest, report)\n"
    )  # fmt: skip
    assert "error: exceeded: 2 schedules are late (limit 0;" in run.err
    assert later(local, 2 * DAY_S, *check[:-1], "3d").code == 0
    assert later(local, 2 * DAY_S, *check, "--label", "paused").code == 0
    of_one = later(local, 2 * DAY_S, *check, "--label", "digest", "-o", "json")
    assert [one["value"] for one in of_one.json] == [1]


def test_check_only_reads_and_requests_the_schedules_once(local: Qstash) -> None:
    local("queue", "set", "orders")
    with running_proxy(Proxy(local.env["QSTASH_URL"])) as proxy:
        run = local(
            "check", "--dlq-max", "0", "--queue", "orders", "--queue", "orders", "--lag-max", "0",
            "--flow", "api", "--waiting-max", "0", "--schedules-failed-max", "0",
            "--schedule-late", "1m", QSTASH_URL=proxy.url,
        )  # fmt: skip

    assert (run.code, len(run.out.splitlines())) == (0, 5)
    assert all(seen.startswith("GET /v2/") for seen in proxy.seen)
    assert proxy.seen.count("GET /v2/schedules") == 1
    assert proxy.seen.count("GET /v2/queues/orders") == 1


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        ((), "add --dlq-max N"),
        (("--dlq-since", "1h"), "add --dlq-max N"),
        (("--queue", "orders"), "add --lag-max N"),
        (("--lag-max", "1"), "add --queue"),
        (("--flow", "api"), "add --waiting-max N"),
        (("--waiting-max", "1", "--dlq-max", "1"), "add --flow"),
        (("--label", "a"), "add --dlq-max N"),
        (("--label", "a", "--queue", "q", "--lag-max", "0"), "add --dlq-max N"),
        (("--dlq-max", "-1"), ""),
        (("--dlq-max", "1", "--label", "a,"), ""),
        (("--queue", "a/b", "--lag-max", "1"), ""),
        (("--dlq-max", "1", "--flow", "", "--waiting-max", "1"), ""),
        (("--dlq-max", "1", "--schedule-late", "soon"), ""),
    ],
)
def test_the_error_names_missing_options_and_nothing_is_sent(
    qstash: Qstash, flags: tuple[str, ...], hint: str
) -> None:
    with api_server() as api:
        run = qstash("check", *flags, QSTASH_URL=api.url, QSTASH_TOKEN="t")

    assert (run.code, run.out, api.requests) == (2, "", [])
    assert hint in run.err


def test_records_have_the_same_fields_in_every_format(local: Qstash) -> None:
    local("queue", "set", "orders")
    check = ("check", "--dlq-max", "0", "--queue", "orders", "--lag-max", "3")

    records = local(*check, "-o", "json").json

    assert records == [
        {"check": "dlq", "name": None, "value": 0, "max": 0, "ok": True, "detail": ""},
        {"check": "queue", "name": "orders", "value": 0, "max": 3, "ok": True, "detail": ""},
    ]
    assert local(*check, "-o", "tsv").out == "dlq\t\t0\t0\ttrue\t\nqueue\torders\t0\t3\ttrue\t\n"
    assert local(*check, "--columns", "check,ok").out == "dlq\ttrue\nqueue\ttrue\n"
    assert local(*check, "-o", "text", tty=True).out == local(*check).out
    assert "orders" in local(*check, "-o", "table", tty=True).out
    assert len(local(*check, "-o", "jsonl").out.splitlines()) == 2


@pytest.mark.usefixtures("patient_completion")
@pytest.mark.parametrize(("flag", "found"), [("--queue", "orders"), ("--flow", "api")])
def test_names_and_keys_are_completed(local: Qstash, flag: str, found: str) -> None:
    local("queue", "set", "orders")
    local("flow", "pin", "api", "--rate", "5")
    asking: dict[str, Any] = {
        "_QSTASH_COMPLETE": "fish",
        "_QSTASH_LINE": f"qstash check {flag} ",
        "XDG_CACHE_HOME": str(local.home / "cache"),
    }

    run = local(**asking)

    assert found in run.out
