"""`plan` with real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.manifests import SMALL, URL, proxy
from tests.in_process import Qstash, Run


def test_a_plan_lists_the_differences_and_check_fails_if_there_are_any(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("apply", "-f", write(SMALL), "--yes")
    changed = SMALL.replace("retries = 5", "retries = 6").replace(f"{URL}/b", f"{URL}/c")
    path = write(changed.replace("X-Team = ", "X-Group = ").replace("parallelism = 2\n", ""))

    shown = local("plan", "-f", path)
    failed = local("plan", "-f", path, "--check", "-o", "json")

    assert shown.code == 0
    assert (
        shown.out
        == f"""\
~ queue emails
    parallelism  2 -> 1
~ urlgroup orders
    + endpoint {URL}/c
    - endpoint {URL}/b
    headers.X-Group  none -> blue
    headers.X-Team   blue -> none
~ schedule nightly
    retries  5 -> 6

3 to change
"""
    )
    assert failed.code == 9, failed
    assert failed.json[2] == {
        "action": "change",
        "kind": "schedule",
        "name": "nightly",
        "takesOver": False,
        "changes": [{"field": "retries", "old": 5, "new": 6}],
        "messagesPerDay": [],
    }
    assert local("apply", "-f", path, "--yes").code == 0
    assert local("plan", "-f", path, "--check").code == 0


def test_a_terminal_displays_colours_and_wraps_long_changes(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("apply", "-f", write(SMALL), "--yes")
    path = write(
        SMALL.replace(f"{URL}/hook", f"{URL}/another").replace("[queues.emails]", "[queues.n]")
    )

    wide = local("plan", "-f", path, "--prune", tty=True)
    narrow = local("plan", "-f", path, "--prune", tty=True, columns=40, NO_COLOR="1")

    assert "\x1b[32m+ queue n" in wide.out
    assert "\x1b[33m~ schedule nightly" in wide.out
    assert "\x1b[31m- queue emails" in wide.out
    assert f"    destination\n      - {URL}/hook\n      + {URL}/another\n" in narrow.out
    assert "\x1b" not in narrow.out


def test_no_secret_is_printed(local: Qstash, server_url: str, write: Callable[[str], str]) -> None:
    path = write(f"""
        [schedules.s]
        destination = "{URL}/${{API_TOKEN}}"
        cron = "@daily"
        body = "pin 1234"
        redact = "body"
        headers = {{ Authorization = "Bearer swordfish", X-Plain = "${{SHORT_KEY}}" }}
        [urlgroups.g]
        endpoints = ["{URL}/?key=${{API_TOKEN}}"]
    """)
    local.env |= {"API_TOKEN": "hunter2", "SHORT_KEY": "abc"}

    with proxy(server_url, lambda request: request.method == "POST") as between:
        runs: list[Run] = [
            local("plan", "-f", path),
            local("plan", "-f", path, "-o", "json"),
            local("apply", "-f", path, "--yes", QSTASH_URL=between.url),
            local("apply", "-f", path, "--dry-run"),
            local("apply", "-f", path, "--dry-run", "-o", "json"),
            local("apply", "-f", path, "--curl"),
            local("plan", "-f", write(Path(path).read_text() + "\noops = 1")),
        ]

    assert [run.code for run in runs] == [0, 0, 1, 0, 0, 0, 2], runs
    for run in runs:
        for secret in ("hunter2", "swordfish", "1234", "abc"):
            assert secret not in run.out + run.err, run
    assert "headers.Authorization  (hidden)" in runs[0].out


def test_messages_a_day_are_compared_with_the_limit(
    on_free_plan: Qstash, write: Callable[[str], str]
) -> None:
    path = write(f'[schedules.s]\ndestination = "{URL}"\ncron = "* * * * *"\n')

    run = on_free_plan("plan", "-f", path)

    assert "1,440 messages a day, and the free plan allows 1,000" in run.err, run
    assert "    messages a day  1,440 (+1,440, 144% of the free plan)\n" in run.out


_VOLUME = f"""
    [urlgroups.pair]
    endpoints = ["{URL}/a"]
    [schedules.direct]
    destination = "{URL}"
    cron = "0 * * * *"
    [schedules.fanout]
    destination = "pair"
    cron = "0 * * * *"
    [schedules.old]
    destination = "{URL}"
    cron = "@daily"
"""


def test_a_plan_says_what_each_change_adds_to_the_messages_a_day(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("apply", "-f", write(_VOLUME), "--yes")
    after = _VOLUME.partition("[schedules.old]")[0].replace(f'{URL}/a"', f'{URL}/a", "{URL}/b"')
    after = after.replace("0 * * * *", "*/30 * * * *", 1)
    path = write(
        f'{after}\n[schedules.paused]\ndestination = "{URL}"\ncron = "@daily"\npaused = true'
    )

    plan = local("plan", "-f", path, "--prune")
    steps = local("plan", "-f", path, "--prune", "-o", "json").json

    assert (
        plan.out
        == f"""\
~ urlgroup pair
    + endpoint {URL}/b
    messages a day of fanout  24 -> 48 (+24)
~ schedule direct
    cron  0 * * * * -> */30 * * * *
    messages a day  24 -> 48 (+24)
+ schedule paused
    destination  {URL}
    cron         @daily
    paused       true
- schedule old
    messages a day  1 -> 0 (-1)

1 to create, 2 to change, 1 to delete
"""
    )
    assert {step["name"]: step["messagesPerDay"] for step in steps} == {
        "pair": [{"schedule": "fanout", "old": 24, "new": 48}],
        "direct": [{"schedule": "direct", "old": 24, "new": 48}],
        "paused": [],
        "old": [{"schedule": "old", "old": 1, "new": 0}],
    }
    assert "without retries, the schedules publish about 96 messages a day" in plan.err


def test_a_schedule_for_an_unknown_group_causes_a_warning(
    local: Qstash, write: Callable[[str], str]
) -> None:
    run = local("plan", "-f", write('[schedules.s]\ndestination = "nobody"\ncron = "@daily"'))

    assert "schedule s publishes to a URL group that does not exist: nobody" in run.err, run


SOURCES = {
    "no file": (("plan", "-f", "/nowhere/qstash.toml"), b"", "qstash export > qstash.toml"),
    "nothing on standard input": (("apply", "-f", "-", "--yes"), b"", "standard input is empty"),
    "a typo": (("plan", "-f", "-"), b"[queues.a]\nparallelims = 2", "did you mean 'parallelism'?"),
    "a format": (("plan", "-o", "xml"), b"", "the formats are"),
}


@pytest.mark.parametrize("case", SOURCES.values(), ids=list(SOURCES))
def test_bad_input_sends_nothing(
    local: Qstash, server_url: str, case: tuple[tuple[str, ...], bytes, str]
) -> None:
    argv, stdin, words = case

    with proxy(server_url, lambda _request: False) as between:
        run = local(*argv, stdin=stdin, QSTASH_URL=between.url)

    assert (run.code, words in run.err, run.out) == (2, True, ""), run
    assert between.received == []
