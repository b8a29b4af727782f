"""Retries: which requests, how often, and after which pause. Times are in seconds.

No other layer retries: a command that needs more attempts passes a `RetryPolicy`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qstash_cli.client.rate_limit import reset_after_s, retry_after_s
from qstash_cli.client.response import ConnectError, ProxyError, Response, TransportError

TOO_MANY_REQUESTS = 429
# A gateway got no response from the server: the request may have been processed.
UNAVAILABLE = frozenset({502, 503, 504})

_FIRST_PAUSE_S = 0.1
_GROWTH = 3.0
_LONGEST_PAUSE_S = 10.0


def _never() -> bool:
    return False


class RetryPolicy(NamedTuple):
    """How persistently to send a request.

    `max_attempts` limits the attempts after network errors and after responses with one of
    `statuses`. `total_timeout_s` limits all attempts together; by default it is the limit of one
    attempt. `is_cancelled` is called before each retry.
    """

    max_attempts: int = 5
    statuses: frozenset[int] = UNAVAILABLE
    total_timeout_s: float | None = None
    is_cancelled: Callable[[], bool] = _never


class RetryLimits(NamedTuple):
    """The user's limits: the time of a request, and the total wait that a server may request."""

    request_timeout_s: float
    max_wait_s: float


class SystemClock(NamedTuple):
    """`now` is in unix seconds, `sleep` takes seconds."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


class Exchange(NamedTuple):
    """The outcome of the last of `attempts`.

    `refused_wait_s` is the wait that the server requested if it is longer than allowed, else None.
    """

    outcome: Response | TransportError
    attempts: int
    refused_wait_s: float | None = None


def exchange(
    attempt: Callable[[float], Response],
    *,
    policy: RetryPolicy,
    limits: RetryLimits,
    clock: SystemClock,
    is_repeatable: bool,
    is_local: bool,
    report: Callable[[str], None],
    is_final: Callable[[Response], bool] = lambda _response: False,
) -> Exchange:
    """Makes attempts until one is final.

    `attempt` takes its time limit in seconds. Waits that the server requests are limited by
    `limits.max_wait_s` and do not count as time of the request; other pauses do. `report` gets a
    line before each retry. `is_local` says that the server is on this machine. A response for which
    `is_final` is true is not retried, whatever its status.
    """
    ends_at = clock.now() + (policy.total_timeout_s or limits.request_timeout_s)
    attempts, waited_s = 0, 0.0
    while True:
        attempts += 1
        outcome = _outcome_of(attempt, min(limits.request_timeout_s, ends_at - clock.now()))
        requested_s = _requested_wait_s(outcome, clock.now())
        done = Exchange(outcome, attempts)
        if isinstance(outcome, Response) and is_final(outcome):
            return done
        if policy.is_cancelled() or not _is_retriable(
            outcome, policy, is_repeatable=is_repeatable, is_local=is_local
        ):
            return done
        pause_s = max(requested_s or 0.0, backoff_s(attempts))
        is_rate_limit = isinstance(outcome, Response) and outcome.status_code == TOO_MANY_REQUESTS
        # A rate limit ends at a known time, so the number of attempts does not matter.
        if attempts >= policy.max_attempts and not (is_rate_limit and requested_s is not None):
            return done
        if requested_s is None:
            if clock.now() + pause_s >= ends_at:
                return done
        elif waited_s + pause_s > limits.max_wait_s:
            return done._replace(refused_wait_s=requested_s)
        else:
            waited_s += pause_s
            ends_at += pause_s
        report(f"* retrying in {pause_s:.3g}s: {_reason(outcome)}")
        clock.sleep(pause_s)


def backoff_s(attempts: int) -> float:
    """Returns the pause after this number of attempts."""
    return float(min(_FIRST_PAUSE_S * _GROWTH ** (attempts - 1), _LONGEST_PAUSE_S))


def _is_retriable(
    outcome: Response | TransportError, policy: RetryPolicy, *, is_repeatable: bool, is_local: bool
) -> bool:
    if isinstance(outcome, ProxyError) and outcome.status_code not in UNAVAILABLE:
        return False
    if isinstance(outcome, ConnectError):
        # Nothing was sent. A local server that is not running will not start by itself.
        return not is_local
    if isinstance(outcome, TransportError):
        return is_repeatable
    if outcome.status_code == TOO_MANY_REQUESTS:
        # A rate limit rejects requests before they are processed. Without a reset it persists.
        is_awaited = TOO_MANY_REQUESTS in policy.statuses
        return is_awaited or reset_after_s(outcome.headers, 0) is not None
    return is_repeatable and outcome.status_code in policy.statuses


def _outcome_of(attempt: Callable[[float], Response], limit_s: float) -> Response | TransportError:
    try:
        return attempt(limit_s)
    except TransportError as error:
        return error


def _requested_wait_s(outcome: Response | TransportError, now: float) -> float | None:
    if isinstance(outcome, TransportError):
        return None
    if outcome.status_code == TOO_MANY_REQUESTS:
        return reset_after_s(outcome.headers, now)
    if outcome.status_code in UNAVAILABLE:
        return retry_after_s(outcome.headers, now)
    return None


def _reason(outcome: Response | TransportError) -> str:
    return str(outcome) if isinstance(outcome, TransportError) else outcome.status
