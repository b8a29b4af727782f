"""The claims of a signature, each held against what is expected of it.

The outcome of a check and its texts for people are apart: of twenty thousand signatures that hold
nobody reads the texts, and making them took a quarter of the time.
"""

from __future__ import annotations

import hmac
import math
from binascii import b2a_base64
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Literal, NamedTuple

ISSUER = "Upstash"
CLAIMS = ("iss", "sub", "exp", "nbf", "iat", "body")
_TO_BASE64URL = bytes.maketrans(b"+/", b"-_")

Outcome = Literal["pass", "fail", "not checked"]


class Check(NamedTuple):
    """One claim held against what was expected of it. Both values are texts for people."""

    name: str
    outcome: Outcome
    expected: str = ""
    found: str = ""


class Expectation(NamedTuple):
    """What a signature is checked against. `url` or `body` of None is not checked.

    `keys` are names and signing keys, tried in order. `now` is in unix seconds.
    """

    keys: tuple[tuple[str, str], ...]
    url: str | None
    body: bytes | None
    now: float
    tolerance_s: float = 0
    ignore_expiry: bool = False

    @property
    def key_names(self) -> str:
        """The names of the keys."""
        return " or ".join([name for name, _ in self.keys])


def body_hash(body: bytes) -> str:
    """The `body` claim: base64url of SHA-256, with padding, as QStash writes it."""
    digest = b2a_base64(sha256(body).digest(), newline=False)
    return digest.translate(_TO_BASE64URL).decode()


def claim_outcomes(claims: Mapping[str, Any], expected: Expectation) -> tuple[Outcome, ...]:
    """The outcome of the check of each of `CLAIMS`."""
    begun = expected.now + expected.tolerance_s
    issued_at = claims.get("iat")
    return (
        outcome(claims.get("iss") == ISSUER),
        _subject(claims.get("sub"), expected.url),
        _expiry(claims.get("exp"), expected),
        outcome(_is_until(claims.get("nbf"), begun)),
        "not checked" if issued_at is None else outcome(_is_until(issued_at, begun)),
        _body(claims.get("body"), expected.body),
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
    }
    return ((wanted[name], shown(claims.get(name))) for name in CLAIMS)


def outcome(claim_holds: bool, otherwise: Outcome = "pass") -> Outcome:
    """`otherwise` for a claim that holds."""
    return otherwise if claim_holds else "fail"


def shown(value: Any) -> str:
    """The value of a claim for people."""
    return "missing" if value is None else str(value)


def _subject(found: Any, url: str | None) -> Outcome:
    return outcome(found is not None, "not checked") if url is None else outcome(found == url)


def _expiry(found: Any, expected: Expectation) -> Outcome:
    if not _is_number(found):
        return "fail"
    if expected.ignore_expiry:
        return "not checked"
    return outcome(found > expected.now - expected.tolerance_s)


def _is_until(found: Any, limit: float) -> bool:
    return _is_number(found) and bool(found <= limit)


def _body(found: Any, body: bytes | None) -> Outcome:
    if not isinstance(found, str):
        return "fail"
    if body is None:
        return "not checked"
    wanted, found = (one.rstrip("=").encode(errors="replace") for one in (body_hash(body), found))
    return outcome(hmac.compare_digest(found, wanted))


def _is_number(value: Any) -> bool:
    # JSON has no infinity, but Python reads one, and so it reads 1e999.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) < math.inf
