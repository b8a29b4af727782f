"""`retries` prints the times of the server's attempts."""

from __future__ import annotations

from tests.in_process import Qstash


def test_the_default_delays_are_the_documented_ones(qstash: Qstash) -> None:
    run = qstash("retries", "--retries", "5", "-o", "json")

    assert [round(row["waitMs"] / 1000) for row in run.json] == [0, 12, 148, 1808, 22026, 86400]
    assert run.json[2]["afterMs"] == run.json[1]["waitMs"] + run.json[2]["waitMs"]


def test_an_expression_and_the_recovery_of_the_endpoint_are_considered(qstash: Qstash) -> None:
    command = ("retries", "--retries", "4", "--retry-delay", "pow(2, retried) * 1000")

    shown = qstash(*command, "--columns", "attempt,waits,after")

    assert shown.out == "1\t0s\t0s\n2\t1s\t1s\n3\t2s\t3s\n4\t4s\t7s\n5\t8s\t15s\n"
    assert qstash(*command, "--recovery", "15s").code == 0
    late = qstash(*command, "--recovery", "16s")
    assert late.code == 1
    assert "the last attempt is after 15s" in late.err


def test_bad_input_is_refused(qstash: Qstash) -> None:
    assert qstash("retries", "--retries", "x").code == 2
    assert qstash("retries", "--retry-delay", "import os").code == 2
