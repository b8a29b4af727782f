"""The view of `qstash top` fits into every terminal, with the most urgent things first."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from qstash_cli.output.console import console_of
from qstash_cli.output.dashboard import Dashboard, Snapshot, dashboard
from qstash_cli.output.terminal import TerminalInfo
from tests.output.conftest import NOW_MS, TERMINAL

_HOOK = "https://example.com/hooks/orders/created"
SNAPSHOT = Snapshot(
    queues=[
        {"name": "mails", "parallelism": 1, "lag": 0, "paused": True},
        {"name": "orders", "parallelism": 2, "lag": 12, "paused": False},
    ],
    flow_keys=[
        {"flowControlKey": "api", "waitListSize": 3, "parallelismMax": 5, "parallelismCount": 2}
    ],
    dlq_count=3,
    has_more_in_dlq=False,
    log=[
        {"time": NOW_MS - 3_000, "messageId": "m1", "state": "DELIVERED", "url": _HOOK},
        {"time": NOW_MS - 4_000, "messageId": "m1", "state": "ACTIVE", "responseStatus": 200},
        {"time": NOW_MS - 64_000, "messageId": "m2", "state": "ERROR", "url": "https://a.example/b",
         "responseStatus": 503},
    ],
    schedules=[
        {"scheduleId": "s1", "cron": "@daily", "destination": "https://a.example/b",
         "isPaused": True},
        {"scheduleId": "s2", "cron": "0 3 * * *", "destination": "https://a.example/c",
         "nextScheduleTime": NOW_MS + 5 * 3_600_000},
    ],
)  # fmt: skip
SHOWN = Dashboard(account="profile prod, eu-central-1", interval_s=2, snapshot=SNAPSHOT)
MANY = SNAPSHOT._replace(
    queues=[
        {"name": f"q{n:02}", "parallelism": 1, "lag": n, "paused": False} for n in range(50)
    ],
    log=[
        {"time": NOW_MS, "messageId": f"m{n}", "state": "FAILED", "url": _HOOK} for n in range(50)
    ],
    dlq_count=100,
    has_more_in_dlq=True,
)  # fmt: skip


def lines_of(shown: Dashboard, terminal: TerminalInfo, height: int) -> list[str]:
    console = console_of(terminal)
    with console.capture() as captured:
        console.print(dashboard(shown, terminal, height), end="")
    return [line.rstrip() for line in captured.get().splitlines()]


def test_sections_are_below_each_other_on_80_columns() -> None:
    assert lines_of(SHOWN, TERMINAL, 24) == [
        "qstash top  13:08:09  profile prod, eu-central-1",
        "✗ DLQ 3  queued 12",
        "",
        "Deliveries  2",
        "STATE        CODE  DESTINATION                               AGE",
        "✓ delivered   200  https://example.com/hooks/orders/created  3s",
        "✗ error       503  https://a.example/b                       1m",
        "",
        "Queues  2",
        "QUEUE   LAG  PARALLEL  STATE",
        "orders   12         2  ● running",
        "mails     0         1  ⏸ paused",
        "",
        "Flow control  1",
        "KEY  WAITING  PARALLEL  STATE",
        "api        3  2/5       ● running",
        "",
        "Schedules  2",
        "NEXT    CRON       DESTINATION",
        "in 5h   0 3 * * *  https://a.example/c",
        "paused  @daily     https://a.example/b",
        "",
        "",
        "q quits, refreshed every 2s",
    ]


def test_40_columns_have_states_destinations_and_ages() -> None:
    lines = lines_of(SHOWN, TERMINAL._replace(width=40), 24)

    assert lines[0] == "qstash top  13:08:09  profile prod, eu-…"
    assert lines[4:7] == [
        "STATE        CODE  DESTINATION       AGE",
        "✓ delivered   200  example…/created  3s",
        "✗ error       503  a.example/b       1m",
    ]


@pytest.mark.parametrize("width", [100, 120, 200])
def test_deliveries_are_beside_the_rest_on_a_wide_terminal(width: int) -> None:
    lines = lines_of(SHOWN, TERMINAL._replace(width=width), 24)

    assert lines[3].split() == ["Queues", "2", "Deliveries", "2"]
    assert lines[5].startswith("orders   12         2  ● running")
    assert "✓ delivered   200  " in lines[5]
    assert lines[5].split()[-2].endswith("/created")
    assert lines[5].endswith(" 3s")


@pytest.mark.parametrize("has_blocks", [True, False])
@pytest.mark.parametrize(
    "error", ["", "cannot reach https://qstash.upstash.io: it does not respond"]
)
@pytest.mark.parametrize("height", [6, 10, 24, 60])
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_every_line_is_on_the_screen(width: int, height: int, error: str, has_blocks: bool) -> None:
    terminal = TERMINAL._replace(width=width, has_blocks=has_blocks)
    for snapshot in (SNAPSHOT, MANY, Snapshot([], [], 0, False, [], []), None):
        lines = lines_of(SHOWN._replace(snapshot=snapshot, error=error), terminal, height)

        assert len(lines) == height
        assert max(map(cell_len, lines)) <= width
        assert lines[-1].endswith("; retrying" if error else "q quits, refreshed every 2s")


def test_a_short_screen_says_how_many_rows_it_leaves_out() -> None:
    lines = lines_of(SHOWN._replace(snapshot=MANY), TERMINAL, 24)

    assert lines[1] == "✗ DLQ 100+  queued 1225"
    assert "Deliveries  3 of 50" in lines
    # The queue with the highest lag comes first.
    assert lines[lines.index("Queues  3 of 50") + 2].startswith("q49")


def test_an_error_does_not_hide_the_last_snapshot() -> None:
    lines = lines_of(SHOWN._replace(error="cannot reach the API"), TERMINAL, 24)

    assert lines[-1] == "✗ cannot reach the API; retrying"
    assert "orders   12         2  ● running" in lines


def test_states_are_coloured_and_untrusted_text_is_escaped() -> None:
    hostile = SNAPSHOT._replace(
        queues=[{"name": "a\x1b[2Jb", "parallelism": 1, "lag": 0, "paused": True}]
    )
    coloured = "\n".join(
        lines_of(SHOWN._replace(snapshot=hostile), TERMINAL._replace(colour=True), 24)
    )

    assert "\x1b[32m✓ delivered" in coloured
    assert "\x1b[33m⏸ paused" in coloured
    assert "\x1b[1;31m✗ DLQ 3" in coloured
    assert "\x1b[2J" not in coloured
    plain = "\n".join(lines_of(SHOWN._replace(snapshot=hostile), TERMINAL, 24))
    assert "\x1b" not in plain
