"""Converts QStash's responses to the measurements of `check`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

from qstash_cli.client.errors import excerpt
from qstash_cli.output.safe import safe_text
from qstash_cli.protocol.durations import format_duration

if TYPE_CHECKING:
    from qstash_cli.protocol.records import Schedule

CheckKind = Literal["dlq", "queue", "flow", "schedules-failed", "schedule-late"]
# Nobody reads a line that names more than this.
_MAX_NAMED = 10


class CheckResult(TypedDict):
    """The result of a check, which passes if `value` is at most `max`.

    `name` is the name of the queue or the flow control key.
    """

    check: CheckKind
    name: str | None
    value: int
    max: int
    ok: bool
    detail: str


def check_result(
    check: CheckKind, value: int, limit: int, *, name: str | None = None, detail: str = ""
) -> CheckResult:
    """Returns the result of a check, with the detail on one safe line."""
    return CheckResult(
        check=check, name=name, value=value, max=limit, ok=value <= limit, detail=safe_text(detail)
    )  # fmt: skip


def failed(schedules: Sequence[Schedule], limit: int) -> CheckResult:
    """Counts the active schedules that failed in the last run or cannot publish."""
    names = [_with_error(one) for one in schedules if not one.get("isPaused") and _has_failed(one)]
    return check_result("schedules-failed", len(names), limit, detail=_listed(names))


def late(schedules: Sequence[Schedule], late_s: int, now_s: float) -> CheckResult:
    """Counts the active schedules that are late by more than `late_s`."""
    latest_ms = (now_s - late_s) * 1000
    names = [
        one["scheduleId"]
        for one in schedules
        if not one.get("isPaused") and 0 < (one.get("nextScheduleTime") or 0) < latest_ms
    ]
    span = f"by more than {format_duration(late_s)}"
    detail = f"{span}: {_listed(names)}" if names else span
    return check_result("schedule-late", len(names), 0, detail=detail)


def with_labels(schedules: list[Schedule], labels: Sequence[str]) -> list[Schedule]:
    """Returns the schedules that have one of these labels, or all if `labels` is empty."""
    return [one for one in schedules if not labels or set(labels) & set(_labels(one))]


def _labels(schedule: Schedule) -> list[str]:
    return schedule.get("labels") or [schedule.get("label") or ""]


def _has_failed(schedule: Schedule) -> bool:
    states = schedule.get("lastScheduleStates") or {}
    return "FAIL" in states.values() or bool(schedule.get("error"))


def _with_error(schedule: Schedule) -> str:
    name, error = schedule["scheduleId"], schedule.get("error")
    return f"{name}: {excerpt(error)}" if error else name


def _listed(names: Sequence[str]) -> str:
    # Sorted, so that the line of a monitor does not change without a reason.
    more = len(names) - _MAX_NAMED
    return ", ".join([*sorted(names)[:_MAX_NAMED], *([f"{more} more"] if more > 0 else ())])
