"""What `qstash probe` reports about an endpoint."""

from __future__ import annotations

from tests.in_process import Qstash

SIGNED = {"current key", "next key"}
# The official TypeScript SDK accepts it.
TOLERATED = "alg HS512"


def verdict(qstash: Qstash, url: str) -> tuple[int, dict[str, str]]:
    """Returns the exit code of `qstash probe`, and the outcome of each of its requests."""
    run = qstash("probe", url, "--dev", "-o", "json")
    return run.code, {row["probe"]: row["outcome"] for row in run.json}


def assert_verifies(qstash: Qstash, url: str, *, tolerated: str = "pass") -> None:
    """Asserts that the endpoint verifies signatures. `tolerated` is the outcome of HS512."""
    code, outcomes = verdict(qstash, url)
    assert outcomes.pop(TOLERATED) == tolerated
    assert len(outcomes) == 10
    assert set(outcomes.values()) == {"pass"}, outcomes
    assert code == 0


def assert_accepts_everything(qstash: Qstash, url: str) -> None:
    """Asserts that `probe` reports every forgery that the endpoint accepts."""
    code, outcomes = verdict(qstash, url)
    assert {name for name, outcome in outcomes.items() if outcome == "pass"} == SIGNED, outcomes
    assert code == 1
