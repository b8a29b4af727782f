"""Checks each claim of a signature against the expected value.

The rules for registered claims repeat PyJWT's, so that a report can list every claim that fails.
Outcomes are computed separately from their display texts: building the texts for twenty thousand
valid signatures, which nobody reads, took a quarter of the time.
"""

from __future__ import annotations

import hmac
import reprlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Literal, NamedTuple

ISSUER = "Upstash"
CLAIMS = ("iss", "sub", "exp", "nbf", "iat", "body", "aud", "jti")
# QStash omits `aud`, and `jti` is always a string, so these rows matter only if they fail.
ONLY_IF_FAILED = ("aud", "jti")

Outcome = Literal["pass", "fail", "not checked"]


class Check(NamedTuple):
    """The check of one claim. Both values are display texts."""

    name: str
    outcome: Outcome
    expected: str = ""
    found: str = ""


class Expectation(NamedTuple):
    """The values to verify a signature against. A `url` or `body` of None is not checked.

    `keys` are pairs of a name and a signing key, tried in order. `now` is in unix seconds. PyJWT
    reads the system clock itself, so with any other `now` (`uses_system_clock` is False) the times
    are checked here instead.
    """

    keys: tuple[tuple[str, str], ...]
    url: str | None
    body: bytes | None
    now: float
    tolerance_s: float = 0
    ignore_expiry: bool = False
    uses_system_clock: bool = True

    @property
    def key_names(self) -> str:
        """The names of the keys, for a message."""
        return " or ".join([name for name, _ in self.keys])


def body_hash(body: bytes) -> str:
    """Returns the `body` claim for a body: its SHA-256 as base64url with padding."""
    return urlsafe_b64encode(sha256(body).digest()).decode()


def claim_outcomes(claims: Mapping[str, Any], expected: Expectation) -> tuple[Outcome, ...]:
    """Returns the outcome of the check of each of `CLAIMS`."""
    begun = expected.now + expected.tolerance_s
    return (
        outcome(claims.get("iss") == ISSUER),
        _subject(claims.get("sub"), expected.url),
        _expiry(claims.get("exp"), expected),
        outcome(_is_until(claims.get("nbf"), begun)),
        outcome(_is_until(claims["iat"], begun)) if "iat" in claims else "not checked",
        _body(claims.get("body"), expected.body),
        outcome(not claims.get("aud")),
        outcome(isinstance(claims.get("jti", ""), str)),
    )


def accepted_outcomes(claims: Mapping[str, Any], expected: Expectation) -> tuple[Outcome, ...]:
    """Like `claim_outcomes`, for a token that has passed all of PyJWT's checks."""
    return (
        "pass",
        _subject(claims["sub"], expected.url),
        "pass",
        "pass",
        "pass" if "iat" in claims else "not checked",
        _body(claims.get("body"), expected.body),
        "pass",
        "pass",
    )


def claim_texts(claims: Mapping[str, Any], expected: Expectation) -> Iterator[tuple[str, str]]:
    """Returns the expected and the actual value of each of `CLAIMS`, as display texts."""
    begun = f"not after {expected.now + expected.tolerance_s:.0f}"
    wanted = {
        "iss": ISSUER,
        "sub": expected.url or "",
        "exp": f"after {expected.now - expected.tolerance_s:.0f}",
        "nbf": begun,
        "iat": begun,
        "body": "" if expected.body is None else body_hash(expected.body),
        "aud": "missing",
        "jti": "a string",
    }
    return ((wanted[name], display_text(claims.get(name))) for name in CLAIMS)


def outcome(is_right: bool) -> Outcome:
    """Converts a boolean to an outcome."""
    return "pass" if is_right else "fail"


def display_text(value: object) -> str:
    """Returns the display text of a claim."""
    if isinstance(value, dict | list):
        return reprlib.repr(value)
    return "missing" if value is None else str(value)


def seconds_of(value: Any) -> int | None:
    """Converts a time as PyJWT does, truncating numbers and parsing strings. None if it cannot."""
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        return None


def _subject(found: Any, url: str | None) -> Outcome:
    if not isinstance(found, str):
        return "fail"
    return "not checked" if url is None else outcome(found == url)


def _expiry(found: Any, expected: Expectation) -> Outcome:
    expires_at = seconds_of(found)
    if expires_at is None:
        return "fail"
    if expected.ignore_expiry:
        return "not checked"
    return outcome(expires_at > expected.now - expected.tolerance_s)


def _is_until(found: Any, limit: float) -> bool:
    at = seconds_of(found)
    return at is not None and at <= limit


def _body(found: Any, body: bytes | None) -> Outcome:
    if not isinstance(found, str):
        return "fail"
    if body is None:
        return "not checked"
    wanted = body_hash(body).rstrip("=")
    # compare_digest raises for text that is not ASCII, which cannot be a hash anyway.
    return outcome(found.isascii() and hmac.compare_digest(found.rstrip("="), wanted))
