"""The grammar of injected faults, and the decisions that follow from a seed."""

from __future__ import annotations

import pytest

from qstash_cli.errors import BadInput
from qstash_cli.protocol.faults import FaultPlan, faults_of, parse_faults


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("deliver:error=5%", FaultPlan(error=0.05)),
        ("deliver:duplicate=0.5%", FaultPlan(duplicate=0.005)),
        (
            "deliver:error=5%, slow=2s@10%, duplicate=100%",
            FaultPlan(error=0.05, slow=0.1, slow_s=2, duplicate=1),
        ),
    ],
)
def test_a_plan_is_parsed(text: str, plan: FaultPlan) -> None:
    assert parse_faults(text) == plan


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "not a fault of deliveries: ''"),
        ("error=5%", "not a fault of deliveries: 'error=5%'"),
        ("publish:error=5%", "not a fault of deliveries: 'publish:error=5%'"),
        ("deliver:", "not a fault: ''"),
        ("deliver:error", "not a fault: 'error'"),
        ("deliver:lost=5%", "not a fault: 'lost=5%'"),
        ("deliver:error=5%,", "not a fault: ''"),
        ("deliver:error=1%,error=1%", "error is given twice: 'deliver:error=1%,error=1%'"),
        ("deliver:error=5", "not a percentage: '5'"),
        ("deliver:error=101%", "not a percentage: '101%'"),
        ("deliver:error=-1%", "not a percentage: '-1%'"),
        ("deliver:error=nan%", "not a percentage: 'nan%'"),
        ("deliver:slow=2s", "slow needs a duration and a share: '2s'"),
        ("deliver:slow=@10%", "not a duration: ''"),
        ("deliver:slow=0s@10%", "a slow delivery needs a duration of at least 1s: '0s'"),
    ],
)  # fmt: skip
def test_an_error_quotes_the_part_that_is_not_valid(text: str, error: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse_faults(text)

    assert raised.value.message == error


def test_each_fault_applies_to_its_share_of_the_attempts_independently() -> None:
    plan = parse_faults("deliver:error=5%,slow=2s@10%,duplicate=1%")
    drawn = [faults_of(plan, 7, str(number), 1) for number in range(20_000)]

    assert 900 < sum(one.is_error for one in drawn) < 1100
    assert 1850 < sum(one.slow_s == 2 for one in drawn) < 2150
    assert 150 < sum(one.is_duplicate for one in drawn) < 250
    assert 70 < sum(one.is_error and one.slow_s > 0 for one in drawn) < 130


def test_the_decision_depends_on_seed_message_and_attempt_only() -> None:
    plan = parse_faults("deliver:error=50%")

    def errors(seed: int, attempt: int) -> list[bool]:
        return [faults_of(plan, seed, str(number), attempt).is_error for number in range(64)]

    assert errors(7, 1) == errors(7, 1)
    assert errors(7, 1) != errors(8, 1)
    assert errors(7, 1) != errors(7, 2)


def test_no_and_all_attempts_are_exact() -> None:
    never, always = parse_faults("deliver:error=0%"), parse_faults("deliver:error=100%")

    assert not any(faults_of(never, 0, str(number), 1).is_error for number in range(1000))
    assert all(faults_of(always, 0, str(number), 1).is_error for number in range(1000))
