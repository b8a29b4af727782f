"""The results of `check` for people, Prometheus and Nagios."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from qstash_cli.output.safe import UNSAFE
from tests.commands.api_server import api_server
from tests.in_process import Qstash
from tests.sink import Sink

Metrics = dict[tuple[str, frozenset[tuple[str, str]]], float]
PERFDATA = re.compile(r"'([^'=|]+)'=([0-9]+);;([0-9]+);0;( |$)")
HOSTILE = "a|b'c=d\x1b[31m\n# TYPE x\u202e\u2028"
BAD_SCHEDULE = {
    "scheduleId": HOSTILE, "cron": "@daily", "destination": "https://example.com",
    "error": f"refused {HOSTILE}", "nextScheduleTime": 1,
}  # fmt: skip


def metrics(text: str) -> Metrics:
    """Returns the metrics as a scraper parses them; each family is a gauge with a help text."""
    found: Metrics = {}
    for family in text_string_to_metric_families(text):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def metric(name: str, /, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_an_exceeded_limit_is_red_on_a_terminal(
    local: Qstash, undelivered: Callable[..., None]
) -> None:
    undelivered()

    run = local("check", "--dlq-max", "0", "--schedule-late", "1m", tty=True)

    exceeded, fine = run.out.splitlines()
    assert exceeded == "\x1b[31mexceeded  dlq: 1 entry (limit 0)\x1b[0m"
    assert "\x1b" not in fine


def test_prometheus_parses_the_metrics(
    local: Qstash, sink: Sink, undelivered: Callable[..., None]
) -> None:
    undelivered()
    for name in ("orders", "mails"):
        local("queue", "set", name)
    quoted = 'a "b"\\c'
    local("flow", "pause", quoted)
    local("publish", sink.url, "--flow-key", quoted, "--parallelism", "1")

    run = local(
        "check", "--dlq-max", "0", "--queue", "orders", "--queue", "mails", "--lag-max", "5",
        "--flow", quoted, "--waiting-max", "1", "--schedules-failed-max", "0",
        "--schedule-late", "10m", "-o", "prometheus",
    )  # fmt: skip

    assert (run.code, run.out[-1:]) == (1, "\n")
    assert metrics(run.out) == {
        metric("qstash_dlq_entries"): 1,
        metric("qstash_queue_lag", queue="orders"): 0,
        metric("qstash_queue_lag", queue="mails"): 0,
        metric("qstash_flow_waiting", key=quoted): 1,
        metric("qstash_schedules_failed"): 0,
        metric("qstash_schedules_late"): 0,
        metric("qstash_check_ok", check="dlq", name=""): 0,
        metric("qstash_check_ok", check="queue", name="orders"): 1,
        metric("qstash_check_ok", check="queue", name="mails"): 1,
        metric("qstash_check_ok", check="flow", name=quoted): 1,
        metric("qstash_check_ok", check="schedules-failed", name=""): 1,
        metric("qstash_check_ok", check="schedule-late", name=""): 1,
    }
    assert run.out.count("# TYPE qstash_queue_lag gauge\n") == 1


def test_nagios_gets_one_line_and_its_own_exit_codes(
    local: Qstash, undelivered: Callable[..., None]
) -> None:
    local("queue", "set", "orders")
    check = ("check", "--dlq-max", "0", "--queue", "orders", "--lag-max", "3", "-o", "nagios")

    fine = local(*check)
    undelivered()
    critical = local(*check)

    assert (fine.code, fine.err, critical.code, critical.err) == (0, "", 2, "")
    assert fine.out == (
        "QSTASH OK - dlq: 0 entries (limit 0); queue orders: lag 0 (limit 3)"
        " | 'dlq'=0;;0;0; 'queue_orders'=0;;3;0;\n"
    )
    assert critical.out == (
        "QSTASH CRITICAL - dlq: 1 entry (limit 0) | 'dlq'=1;;0;0; 'queue_orders'=0;;3;0;\n"
    )


@pytest.mark.parametrize(
    ("flags", "env", "reported"),
    [
        (("--dlq-max", "0"), {"QSTASH_URL": "http://127.0.0.1:9"}, "no server is listening"),
        (("--dlq-max", "0"), {"QSTASH_TOKEN": "wrong"}, "does not accept the credentials"),
        (("--dlq-max", "0"), {"QSTASH_TOKEN": ""}, "no credentials"),
        (("--queue", "none", "--lag-max", "0"), {}, "queue none not found"),
        (("--dlq-max", "many"), {}, "not a whole number: 'many'"),
        (("--request-timeout", "long", "--dlq-max", "1"), {}, "not a duration"),
        (("--dlq-max", "1", "--query", "a"), {}, "--query cannot be combined with -o nagios"),
        (("--dlq-max", "1", "--dry-run"), {}, "-o nagios cannot display a request"),
        ((), {}, "nothing to check"),
    ],
)
def test_nagios_gets_an_unknown_status_if_a_check_is_not_possible(
    local: Qstash, flags: tuple[str, ...], env: dict[str, Any], reported: str
) -> None:
    run = local("check", *flags, "-o", "nagios", **env)

    assert (run.code, run.err) == (3, "")
    assert run.out.startswith("QSTASH UNKNOWN - ")
    assert reported in run.out
    assert run.out.count("\n") == 1


@pytest.mark.parametrize("form", ["prometheus", "text"])
def test_errors_in_other_formats_are_like_those_of_every_command(local: Qstash, form: str) -> None:
    run = local("check", "--dlq-max", "0", "-o", form, QSTASH_TOKEN="wrong")

    assert (run.code, run.out) == (3, "")
    assert run.err.startswith("error: ")
    assert local("check", "--dlq-max", "0", "--curl", "-o", form).code == 2


@pytest.mark.parametrize("tty", [True, False])
@pytest.mark.parametrize("form", ["", "text", "prometheus", "nagios", "table", "tsv"])
def test_text_of_qstash_stays_on_its_line_and_is_escaped(
    qstash: Qstash, form: str, tty: bool
) -> None:
    with api_server(responses={("GET", "/v2/schedules"): (200, [BAD_SCHEDULE])}) as api:
        run = qstash("check", "--schedule-late", "1m", "--schedules-failed-max", "0",
                     *(("-o", form) if form else ()), tty=tty, columns=1000, NO_COLOR="1",
                     QSTASH_URL=api.url, QSTASH_TOKEN="t")  # fmt: skip

    assert run.code == (2 if form == "nagios" else 1)
    lines = {"nagios": 1, "prometheus": 10}
    assert set(re.findall(UNSAFE, run.out + run.err)) <= set("\n\t")
    if form != "table":
        assert len(run.out.splitlines()) == run.out.count("\n") == lines.get(form, 2), run.out
    if form == "nagios":
        assert run.out.count("|") == 1


def test_labels_of_performance_data_contain_no_delimiters(local: Qstash, sink: Sink) -> None:
    keys = ("a'b=c|d", "a%27b%3Dc%7Cd", "plain one")
    for key in keys:
        local("publish", sink.url, "--flow-key", key, "--parallelism", "1", "--delay", "1h")
    flags = [part for key in keys for part in ("--flow", key)]

    run = local("check", *flags, "--waiting-max", "9", "-o", "nagios")

    assert run.code == 0
    text, _, perfdata = run.out.strip().partition(" | ")
    assert "|" not in text + perfdata
    assert [found[0] for found in PERFDATA.findall(perfdata)] == [
        "flow_a%27b%3Dc%7Cd", "flow_a%2527b%253Dc%257Cd", "flow_plain one"
    ]  # fmt: skip
    assert PERFDATA.sub("", perfdata) == ""
