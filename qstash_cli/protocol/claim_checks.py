"""The claims of a signature, each compared with what is expected of it.

The rules for registered claims are PyJWT's, one by one, so that a report can name every claim that
fails. The outcome of a check and its texts for people are apart: nobody reads the texts of twenty
thousand valid signatures, and building them took a quarter of the time.
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
# QStash writes no `aud`, and `jti` as a string: a row is of interest only where it fails.
ONLY_IF_FAILED = ("aud", "jti")

Outcome = Literal["pass", "fail", "not checked"]


class Check(NamedTuple):
    """One claim compared with what was expected of it. Both values are texts for people."""

    name: str
    outcome: Outcome
    expected: str = ""
    found: str = ""


class Expectation(NamedTuple):
    """What a signature is verified against. `url` or `body` of None is not checked.

    `keys` are names and signing keys, tried in order. `now` is in unix seconds. PyJWT reads the
    system clock itself; it does not judge times where `now` is another time, which
    `uses_system_clock` says.
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
        """The names of the keys."""
        return " or ".join([name for name, _ in self.keys])


def body_hash(body: bytes) -> str:
    """The `body` claim: base64url of SHA-256, with padding, as QStash writes it."""
    return urlsafe_b64encode(sha256(body).digest()).decode()


def claim_outcomes(claims: Mapping[str, Any], expected: Expectation) -> tuple[Outcome, ...]:
    """The outcome of the check of each of `CLAIMS`."""
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
    """The same outcomes for a token that PyJWT has accepted with all of its own checks."""
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
    """What was expected of each of `CLAIMS`, and what was found, as texts for people."""
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
    """The outcome of a check that is right or wrong."""
    return "pass" if is_right else "fail"


def display_text(value: object) -> str:
    """The value of a claim for people."""
    if isinstance(value, dict | list):
        return reprlib.repr(value)
    return "missing" if value is None else str(value)


def seconds_of(value: Any) -> int | None:
    """A time as PyJWT reads it: numbers without their fraction, and texts of digits; else None."""
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
    # Text that is not ASCII is no hash, and is not compared in constant time.
    return outcome(found.isascii() and hmac.compare_digest(found.rstrip("="), wanted))
