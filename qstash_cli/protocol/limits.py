"""What each plan allows. Source: Upstash's pricing page for QStash, 2026."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import format_duration

_MEGABYTE = 1_048_576
_DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A plan's limits: bytes of a body, seconds of delay and of a delivery. None is no limit."""

    body_bytes: int
    delay_s: int | None
    timeout_s: int | None


PLANS = {
    "free": Limits(body_bytes=_MEGABYTE, delay_s=7 * _DAY_S, timeout_s=900),
    "payg": Limits(body_bytes=10 * _MEGABYTE, delay_s=365 * _DAY_S, timeout_s=7200),
    "fixed": Limits(body_bytes=50 * _MEGABYTE, delay_s=None, timeout_s=None),
}
MOST_GENEROUS = "fixed"


def check_limits(
    plan: str | None, *, body_bytes: int, delay_s: int | None, timeout_s: int | None
) -> None:
    """Raises `BadInput` for what the plan does not allow.

    Without a plan the most generous one is assumed, so that nothing is refused that may pass.
    """
    name = plan or MOST_GENEROUS
    limits = PLANS[name]
    if body_bytes > limits.body_bytes:
        raise BadInput(
            f"the body is larger than the {name} plan allows: {body_bytes} bytes",
            hint=f"the limit is {limits.body_bytes} bytes; send a link to the data, "
            "or pass --no-check",
        )
    for what, value, limit in (
        ("delay", delay_s, limits.delay_s),
        ("timeout", timeout_s, limits.timeout_s),
    ):
        if value is not None and limit is not None and value > limit:
            raise BadInput(
                f"the {what} is longer than the {name} plan allows: {format_duration(value)}",
                hint=f"the limit is {format_duration(limit)}; or pass --no-check",
            )
