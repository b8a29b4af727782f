"""The limits of each plan. Source: Upstash's pricing page for QStash, 2026."""

from __future__ import annotations

from typing import NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import format_duration

_MEGABYTE = 1_048_576
_DAY_S = 86_400


class PlanLimits(NamedTuple):
    """The limits of a plan. None means unlimited."""

    body_bytes: int
    delay_s: int | None = None
    timeout_s: int | None = None
    retries: int | None = None
    messages_per_day: int | None = None
    requests_per_s: int | None = None
    urlgroups: int | None = None
    endpoints: int | None = None
    schedules: int | None = None
    queues: int | None = None
    parallelism: int | None = None
    global_parallelism: int = 100


_LARGEST_BODY_BYTES = 50 * _MEGABYTE
_BURST = 100
UNLIMITED = PlanLimits(body_bytes=_LARGEST_BODY_BYTES)
PLANS = {
    "free": PlanLimits(
        body_bytes=_MEGABYTE, delay_s=7 * _DAY_S, timeout_s=900, retries=3, messages_per_day=1000,
        requests_per_s=_BURST, urlgroups=1, endpoints=100, schedules=10, queues=10, parallelism=2,
        global_parallelism=10,
    ),
    "payg": PlanLimits(
        body_bytes=10 * _MEGABYTE, delay_s=365 * _DAY_S, timeout_s=7200, retries=5,
        requests_per_s=_BURST, urlgroups=100, endpoints=100, schedules=1000, queues=100,
    ),
    "fixed": PlanLimits(
        body_bytes=_LARGEST_BODY_BYTES, retries=20, requests_per_s=_BURST, endpoints=100,
        global_parallelism=200,
    ),
}  # fmt: skip
# Guess: the limits that are not on the pricing page, with the reason for their values.
ASSUMED = {
    "retries": "3, 5 and 20 in older documentation; the current one has no limit",
    "requests_per_s": "documented without a number",
    "endpoints": "documented for the first two plans, and the same number for Fixed",
}
MOST_GENEROUS = "fixed"
# The plans that `qstash dev` can simulate. QStash's own development server says pro for the plans
# that are now called fixed.
DEV_QUOTAS = {"none": None, **{name: name for name in PLANS}, "pro": "fixed"}


def validate_limits(
    plan: str | None, *, body_bytes: int, delay_s: int | None, timeout_s: int | None
) -> None:
    """Raises `BadInput` if a value exceeds the limits of the plan.

    An unknown plan is treated as the most generous one, so that nothing is refused by mistake.
    """
    name = plan or MOST_GENEROUS
    limits = PLANS[name]
    if body_bytes > limits.body_bytes:
        raise BadInput(
            f"the body exceeds the limit of the {name} plan: {body_bytes} bytes",
            hint=f"the limit is {limits.body_bytes} bytes; send a link to the data, "
            "or pass --no-check to send it anyway",
        )
    for what, value, limit in (
        ("delay", delay_s, limits.delay_s),
        ("timeout", timeout_s, limits.timeout_s),
    ):
        if value is not None and limit is not None and value > limit:
            raise BadInput(
                f"the {what} exceeds the limit of the {name} plan: {format_duration(value)}",
                hint=f"the limit is {format_duration(limit)}; pass --no-check to send it anyway",
            )
