"""The series of the overview's charts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles
from typing import NamedTuple

from qstash_cli.server.services.overview import Step

PERIOD_MS = 15 * 60 * 1000
_BUCKET_MS = 10_000
_COUNTED = ("DELIVERED", "ERROR", "FAILED")


class Series(NamedTuple):
    """A point for each ten seconds: times in unix seconds, rates per second, latencies in ms.

    A latency is None where no attempt ended.
    """

    times: list[int]
    delivered: list[float]
    errors: list[float]
    failed: list[float]
    p50: list[float | None]
    p99: list[float | None]


def series_of(steps: Sequence[Step], now_ms: int) -> Series:
    """Returns the series of the period that ends now."""
    last = now_ms // _BUCKET_MS
    first = last - PERIOD_MS // _BUCKET_MS + 1
    buckets = range(first, last + 1)
    counts = {state: dict.fromkeys(buckets, 0) for state in _COUNTED}
    durations: dict[int, list[int]] = {bucket: [] for bucket in buckets}
    started: dict[str, int] = {}
    for step in steps:
        bucket = step.time_ms // _BUCKET_MS
        if step.state == "ACTIVE":
            started[step.message_id] = step.time_ms
        if bucket not in durations:
            continue
        if step.state in counts:
            counts[step.state][bucket] += 1
        if step.state in {"DELIVERED", "ERROR"} and step.message_id in started:
            durations[bucket].append(step.time_ms - started.pop(step.message_id))
    return Series(
        times=[bucket * _BUCKET_MS // 1000 for bucket in buckets],
        **{
            name: [count * 1000 / _BUCKET_MS for count in counts[state].values()]
            for name, state in zip(("delivered", "errors", "failed"), _COUNTED, strict=True)
        },
        p50=[_percentile(found, 50) for found in durations.values()],
        p99=[_percentile(found, 99) for found in durations.values()],
    )


def _percentile(values: Sequence[int], percent: int) -> float | None:
    if len(values) < 2:
        return float(values[0]) if values else None
    return quantiles(values, n=100, method="inclusive")[percent - 1]
