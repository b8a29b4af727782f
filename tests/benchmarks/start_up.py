"""Start-up: commands that need no network and no account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.benchmarks.plan import Plan
from tests.benchmarks.rows import Goal, Row
from tests.benchmarks.timing import Process, compared

_COMPLETIONS = (
    ("words", "qstash "),
    ("verbs", "qstash dlq "),
    ("flags", "qstash publish https://example.com --"),
    ("states", "qstash logs --state "),
    ("headers", "qstash publish https://example.com -H "),
    ("zones", "qstash schedule create https://example.com --tz Eur"),
    ("a profile", "qstash logs --profile "),
)


def start_up(plan: Plan) -> Iterator[Row]:
    """Yields the rows of version and help."""
    for argv, code, ratio in (
        (["--version"], "pass", 2.0),
        (["--help"], "import typer", 2.0),
        (["publish", "--help"], "import typer", 2.0),
    ):
        yield _row(plan, argv, plan.env(), code=code, goal=Goal(bound="at most", ratio=ratio))


def completion(plan: Plan) -> Iterator[Row]:
    """Yields a row for each kind of completion."""
    for what, line in _COMPLETIONS:
        env = plan.env(_QSTASH_COMPLETE="bash", _QSTASH_LINE=line)
        goal = Goal(bound="at most", ratio=1.1)
        yield replace(
            _row(plan, [], env, code="import typer", goal=goal), what=f"completion of {what}"
        )


def _row(plan: Plan, argv: list[str], env: dict[str, str], *, code: str, goal: Goal) -> Row:
    ours = plan.installed.ours
    return compared(
        f"qstash {' '.join(argv)}",
        f"python -c '{code}'",
        Process(argv=[str(ours / "qstash"), *argv], env=env).run_ms,
        Process(argv=[str(ours / "python"), "-c", code], env=env).run_ms,
        goal=goal,
        rounds=plan.rounds,
    )
