"""`qstash top` needs a terminal; what it draws is tested in tests/e2e and tests/output."""

from __future__ import annotations

import pytest

from qstash_cli.errors import ExitCode
from tests.in_process import Qstash


def test_a_pipe_is_refused_with_a_command_for_scripts(local: Qstash) -> None:
    run = local("top")

    assert run.code == ExitCode.USAGE
    assert run.out == ""
    assert run.err == (
        "error: top needs a terminal: standard output is not a terminal\n"
        "hint: use `qstash logs --follow` or `qstash check` in scripts\n"
    )


@pytest.mark.parametrize(
    ("argv", "term", "message"),
    [
        (("-o", "json"), "xterm", "top has no output format"),
        (("--query", "[]"), "xterm", "top has no output format"),
        ((), "dumb", "TERM=dumb"),
        (("--interval", "0s"), "xterm", "not an interval: '0s'"),
    ],
)
def test_what_cannot_be_displayed_is_refused(
    local: Qstash, argv: tuple[str, ...], term: str, message: str
) -> None:
    run = local("top", *argv, tty=True, TERM=term)

    assert run.code == ExitCode.USAGE
    assert message in run.err
    assert "\x1b[?1049h" not in run.out


def test_a_dry_run_lists_the_reads_and_how_often_they_repeat(local: Qstash) -> None:
    run = local("top", "--interval", "5s", "--dry-run")

    assert [line.partition("/v2")[2] for line in run.out.splitlines() if "/v2" in line] == [
        "/queues", "/flowControl", "/dlq?count=100", "/logs?count=100&trimBody=0", "/schedules",
    ]  # fmt: skip
    assert run.out.endswith("# repeated every 5s\n")
