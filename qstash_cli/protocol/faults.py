"""Faults that a server injects into deliveries, to test how an application copes with them.

`deliver:error=5%,slow=2s@10%,duplicate=1%`: 5% of the attempts fail before they are sent, 10% are
sent 2 s later, and in 1% the destination gets the request twice, since QStash delivers at least
once. The decision is a function of the seed, the number of the message and that of the attempt, so
it is the same however many deliveries are in flight.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import parse_duration_s

_EXAMPLE = "deliver:error=5%,slow=2s@10%,duplicate=1%"
_POINT = "deliver"
_KINDS = ("error", "slow", "duplicate")
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
_SEED_BYTES = 8


class FaultPlan(NamedTuple):
    """The share of the attempts with each fault, from 0 to 1, and how late slow ones are sent."""

    error: float = 0.0
    slow: float = 0.0
    slow_s: int = 0
    duplicate: float = 0.0


class Faults(NamedTuple):
    """The faults of one attempt."""

    is_error: bool = False
    slow_s: int = 0
    is_duplicate: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The faults as the log lists them."""
        return tuple(
            name
            for name, applies in (
                ("error", self.is_error),
                (f"slow {self.slow_s}s", self.slow_s > 0),
                ("duplicate", self.is_duplicate and not self.is_error),
            )
            if applies
        )


NO_FAULTS = Faults()


def parse_faults(text: str) -> FaultPlan:
    """Parses a plan. Raises `BadInput`, which quotes the part that is not valid."""
    point, colon, rest = text.partition(":")
    if point.strip() != _POINT or not colon:
        raise BadInput(f"not a fault of deliveries: {text!r}", hint=f"write {_EXAMPLE}")
    given: dict[str, str] = {}
    for part in rest.split(","):
        kind, equals, value = part.strip().partition("=")
        if kind not in _KINDS or not equals:
            raise BadInput(
                f"not a fault: {part.strip()!r}", hint=f"one of {', '.join(_KINDS)}: {_EXAMPLE}"
            )
        if kind in given:
            raise BadInput(f"{kind} is given twice: {text!r}")
        given[kind] = value
    duration, at, share = given.get("slow", "").partition("@")
    if "slow" in given and not at:
        raise BadInput(f"slow needs a duration and a share: {duration!r}", hint="write slow=2s@10%")
    return FaultPlan(
        error=_share(given["error"]) if "error" in given else 0.0,
        slow=_share(share) if at else 0.0,
        slow_s=_seconds(duration) if at else 0,
        duplicate=_share(given["duplicate"]) if "duplicate" in given else 0.0,
    )


def faults_of(plan: FaultPlan, seed: int, message: str, attempt: int) -> Faults:
    """Returns the faults of an attempt. `message` is the number of the message as text."""

    def applies(kind: str, share: float) -> bool:
        if not share:
            return False
        text = f"{seed}/{message}/{attempt}/{kind}".encode()
        drawn = int.from_bytes(blake2b(text, digest_size=_SEED_BYTES).digest())
        return drawn < share * float(1 << 8 * _SEED_BYTES)

    return Faults(
        is_error=applies("error", plan.error),
        slow_s=plan.slow_s if applies("slow", plan.slow) else 0,
        is_duplicate=applies("duplicate", plan.duplicate),
    )


def _share(text: str) -> float:
    found = _PERCENTAGE.fullmatch(text)
    if found is None or float(found[1]) > 100:
        raise BadInput(f"not a percentage: {text!r}", hint="write a number from 0% to 100%")
    return float(found[1]) / 100


def _seconds(text: str) -> int:
    seconds = parse_duration_s(text)
    if not seconds:
        raise BadInput(f"a slow delivery needs a duration of at least 1s: {text!r}")
    return seconds
