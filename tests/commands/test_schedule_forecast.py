from __future__ import annotations

import re

from tests.commands.api_server import api_server
from tests.in_process import Qstash

_TO = ("https://example.com/hook", "--cron")


def test_a_list_on_a_terminal_forecasts_the_messages_of_active_schedules(local: Qstash) -> None:
    local("schedule", "create", *_TO, "0 * * * *", "--callback", "https://example.com/c")
    local("schedule", "create", *_TO, "* * * * *", "--id", "paused")
    local("schedule", "pause", "paused")

    on_terminal = local("schedule", "list", tty=True)
    piped = local("schedule", "list")

    assert "without retries, the schedules publish about 48 messages a day" in on_terminal.err
    assert piped.err == ""


def test_each_schedule_has_its_messages_a_day_and_its_share_of_the_plan(
    on_free_plan: Qstash,
) -> None:
    local = on_free_plan
    for url in ("https://example.com/a", "https://example.com/b"):
        local("urlgroup", "add", "pair", url)
    local("schedule", "create", "pair", "--cron", "0 * * * *", "--id", "hourly")
    local("schedule", "create", *_TO, "0 0 * * 0", "--id", "weekly")
    local("schedule", "create", *_TO, "* * * * *", "--id", "paused")
    local("schedule", "pause", "paused")

    shown = local("schedule", "list", tty=True, columns=120, NO_COLOR="1")
    one = local("schedule", "get", "hourly", tty=True, NO_COLOR="1")
    picked = local("schedule", "list", "-o", "tsv", "--columns", "scheduleId,perDay,ofPlan")
    plain = local("schedule", "list", "-o", "csv")

    assert re.search(r"A DAY +OF PLAN", shown.out), shown
    assert sorted(picked.out.splitlines()) == [
        "hourly\t48\t5%", "paused\t0\t", "weekly\t0.14\t<1%",
    ]  # fmt: skip
    assert "A day        48\nOf plan      5%\n" in one.out
    assert "perDay" not in plain.out
    assert "without retries, the schedules publish about 48 messages a day" in shown.err


def test_endpoints_that_cannot_be_read_are_named_as_not_counted(qstash: Qstash) -> None:
    schedule = {"scheduleId": "s", "cron": "0 * * * *", "destination": "pair"}
    responses = {("GET", "/v2/schedules"): (200, [schedule]), ("GET", "/v2/topics"): (403, {})}
    with api_server(responses=responses) as api:
        qstash.env |= {"QSTASH_URL": api.url, "QSTASH_TOKEN": "token-of-one"}
        run = qstash("schedule", "list", tty=True, NO_COLOR="1")

    expected = (
        "without retries and further endpoints of URL groups, the schedules publish "
        "about 24 messages a day"
    )
    assert (run.code, expected in run.err) == (0, True), run
