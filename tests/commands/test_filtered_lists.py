from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from qstash_cli.cli.run import run as run_cli
from tests.in_process import Qstash
from tests.sink import Sink


@pytest.mark.parametrize(
    "filters",
    [("--status", "404"), ("--label", "other"), ("--message", "msg_other"), ("--since", "1s")],
    ids=lambda filters: filters[0],
)
def test_a_dlq_list_without_matches_does_not_say_that_the_dlq_is_empty(
    local: Qstash, undelivered: Callable[..., None], filters: tuple[str, str]
) -> None:
    undelivered()
    a_minute_later = local.now() + 60
    local.now = lambda: a_minute_later

    run = local("dlq", "list", *filters, tty=True)

    assert (run.code, run.out) == (0, "no entries match\n")


def test_an_empty_dlq_is_reported_as_empty(local: Qstash) -> None:
    assert local("dlq", "list", tty=True).out == "the dead letter queue is empty\n"


@pytest.mark.parametrize("flags", [(), ("--by-message",)], ids=["entries", "messages"])
def test_logs_without_matches_say_that_no_entries_match(
    local: Qstash, undelivered: Callable[..., None], flags: tuple[str, ...]
) -> None:
    assert "match" not in local("logs", *flags, tty=True).out
    undelivered()

    run = local("logs", "--label", "other", *flags, tty=True)

    assert run.out in {"no entries match\n", "no messages match\n"}


def test_the_note_about_more_entries_follows_the_whole_json_document(
    local: Qstash, sink: Sink
) -> None:
    for _ in range(2):
        assert local("publish", sink.url, "--wait").code == 0

    terminal = local.invocation(tty=True, NO_COLOR="1")
    streams = terminal.ctx.streams._replace(err=terminal.out)
    ctx = replace(terminal.ctx, streams=streams)
    assert run_cli(("logs", "--limit", "1", "-o", "json"), ctx) == 0

    document, end = json.JSONDecoder().raw_decode(terminal.out.getvalue())
    assert len(document) == 1
    assert terminal.out.getvalue()[end:].strip().startswith("note: showing the newest 1;")


def test_a_wide_table_shortens_nothing(local: Qstash) -> None:
    url = "https://app.example.com/" + "long/" * 30
    local("urlgroup", "add", "group", url)

    assert url not in local("urlgroup", "list", tty=True).out
    assert url in local("urlgroup", "list", "--wide", tty=True).out


@pytest.mark.parametrize(("count", "line"), [(1, "1 queue"), (2, "2 queues")])
def test_a_list_on_a_terminal_ends_with_its_count(local: Qstash, count: int, line: str) -> None:
    for number in range(count):
        local("queue", "set", f"q{number}")

    assert local("queue", "list", tty=True, NO_COLOR="1").err == f"{line}\n"
    assert local("queue", "list").err == ""
