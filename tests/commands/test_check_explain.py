from __future__ import annotations

import pytest

from tests.in_process import Qstash


def test_every_check_is_explained_without_credentials(qstash: Qstash) -> None:
    run = qstash("check", "--explain", "-o", "json")

    assert run.code == 0, run
    assert [one["check"] for one in run.json] == [
        "dlq", "queue", "flow", "schedules-failed", "schedule-late"
    ]  # fmt: skip
    assert all(one["reads"] and one["why"] and "`qstash " in one["do"] for one in run.json)


def test_only_checks_with_limits_are_explained(qstash: Qstash) -> None:
    run = qstash("check", "--dlq-max", "0", "--schedule-late", "1m", "--explain", "-o", "ids")

    assert run.out.split() == ["dlq", "schedule-late"]


@pytest.mark.parametrize("columns", [40, 80])
def test_an_explanation_on_a_terminal_says_what_to_do_at_every_width(
    qstash: Qstash, columns: int
) -> None:
    run = qstash("check", "--explain", tty=True, columns=columns, NO_COLOR="1")

    words = " ".join(run.out.split())
    assert "schedule-late" in run.out
    assert "`qstash dlq retry --group KEY`" in words
    assert "do `qstash queue resume" in words
    assert max(map(len, run.out.splitlines())) <= columns


def test_an_explanation_has_no_format_of_monitors(qstash: Qstash) -> None:
    run = qstash("check", "--explain", "-o", "nagios")

    assert run.code in {2, 3}
    assert "--explain has no such format" in run.out + run.err
