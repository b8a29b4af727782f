from __future__ import annotations

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


def test_an_explanation_is_a_table_on_a_terminal(qstash: Qstash) -> None:
    run = qstash("check", "--explain", tty=True, NO_COLOR="1")

    assert "schedules-failed" in run.out
    assert max(map(len, run.out.splitlines())) <= 80


def test_an_explanation_has_no_format_of_monitors(qstash: Qstash) -> None:
    run = qstash("check", "--explain", "-o", "nagios")

    assert run.code in {2, 3}
    assert "--explain has no such format" in run.out + run.err
