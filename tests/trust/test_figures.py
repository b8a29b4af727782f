from __future__ import annotations

import pytest

from tests.figures import summary


def report(*figures: list[object], is_failed: bool = False) -> pytest.TestReport:
    return pytest.TestReport(
        "test", ("", 0, ""), {}, "failed" if is_failed else "passed", None, "call",
        user_properties=[("trust figures", one) for one in figures],
    )  # fmt: skip


def test_figures_of_a_class_are_summed_over_tests() -> None:
    lines = summary([
        report(["crash", {"cases": 1000, "failures": 0, "p99_ms": "2"}]),
        report(["bytes", {"cases": 1, "failures": 0}]),
        report(["crash", {"cases": 500, "failures": 2, "p99_ms": "3"}], is_failed=True),
    ])  # fmt: skip

    assert list(lines) == ["bytes: cases 1, failures 0", "crash: cases 1,500, failures 2, p99 ms 3"]


def test_a_failed_test_counts_as_a_failure_of_its_class() -> None:
    lines = summary([report(["crash", {"cases": 10, "failures": 0}], is_failed=True)])

    assert list(lines) == ["crash: cases 10, failures 1"]
