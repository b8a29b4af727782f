"""Signing requests as QStash does, and checking every claim of a signature.

A signature is a JWT (RFC 7519) signed with HMAC SHA-256 (RFC 7515, RFC 7518 §3.2). Source of the
claims: QStash docs, "Verify signatures".
"""

from __future__ import annotations

import hashlib
import hmac
import math
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

ISSUER = "Upstash"
ALGORITHM = "HS256"
LIFETIME_S = 300

Outcome = Literal["pass", "fail", "not checked"]


@dataclass(frozen=True)
class Check:
    """One claim held against what was expected of it. Both values are texts for people."""

    name: str
    outcome: Outcome
    expected: str = ""
    found: str = ""


@dataclass(frozen=True)
class SignatureReport:
    """All checks of one signature, `claims` as the token has them, and which key signed it."""

    checks: tuple[Check, ...]
    claims: dict[str, Any]
    key: str | None

    @property
    def valid(self) -> bool:
        """No check failed."""
        return all(check.outcome != "fail" for check in self.checks)


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a signature is checked against. `url` or `body` of None is not checked.

    `keys` are names and signing keys, tried in order. `now` is in unix seconds.
    """

    keys: tuple[tuple[str, str], ...]
    url: str | None
    body: bytes | None
    now: float
    tolerance_s: float = 0
    ignore_expiry: bool = False


def body_hash(body: bytes) -> str:
    """The `body` claim: base64url of SHA-256, with padding, as QStash writes it."""
    return urlsafe_b64encode(hashlib.sha256(body).digest()).decode()


def sign(
    key: str,
    *,
    url: str,
    body: bytes,
    now: float,
    token_id: str,
    lifetime_s: int = LIFETIME_S,
    not_before_s: int = 0,
) -> str:
    """The `Upstash-Signature` of a request to `url`, good until `lifetime_s` seconds after `now`.

    `not_before_s` is in unix seconds: zero rather than `iat`, as QStash does since receivers with
    slow clocks refused it.
    """
    claims = claims_of(url=url, body=body, now=now, token_id=token_id, lifetime_s=lifetime_s)
    return encoded(claims | {"nbf": not_before_s}, key, ALGORITHM)


def claims_of(
    *, url: str, body: bytes, now: float, token_id: str, lifetime_s: int = LIFETIME_S
) -> dict[str, Any]:
    """The claims of a token made at `now` for a request to `url`."""
    issued_at = int(now)
    return {
        "iss": ISSUER,
        "sub": url,
        "exp": issued_at + lifetime_s,
        "nbf": 0,
        "iat": issued_at,
        "jti": token_id,
        "body": body_hash(body),
    }


def encoded(claims: dict[str, Any], key: str, algorithm: str) -> str:
    """The token of these claims, signed with the key by this algorithm of RFC 7518."""
    import json
    import warnings

    from jwt import api_jws

    payload = json.dumps(claims, separators=(",", ":")).encode()
    with warnings.catch_warnings():
        # A short key is the user's choice in a test; PyJWT would warn about it on stderr.
        warnings.simplefilter("ignore")
        return api_jws.encode(payload, key, algorithm)


def check(signature: str, expected: Expectation) -> SignatureReport:
    """Checks everything about `signature`, whatever fails first. Never raises for a bad one."""
    token = _decoded(signature)
    if token is None:
        return SignatureReport(
            (Check("structure", "fail", "a JWT of three base64url parts", "something else"),),
            {},
            None,
        )
    header, claims, signed, mac = token
    algorithm_ok = header.get("alg") == ALGORITHM
    matching = _matching_key(signed, mac, expected.keys) if algorithm_ok else None
    key_outcome = _outcome(matching is not None) if algorithm_ok else "not checked"
    return SignatureReport(
        (
            Check("structure", "pass"),
            Check("algorithm", _outcome(algorithm_ok), ALGORITHM, _show(header.get("alg"))),
            Check("key", key_outcome, " or ".join(n for n, _ in expected.keys), matching or "none"),
            *_claim_checks(claims, expected),
        ),
        claims,
        matching,
    )


def _decoded(signature: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes] | None:
    import json

    from jwt import PyJWTError, api_jws

    signature = signature.strip()
    try:
        token = api_jws.decode_complete(signature, options={"verify_signature": False})
        claims = json.loads(token["payload"])
    except (PyJWTError, ValueError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    return token["header"], claims, signature.rpartition(".")[0].encode(), token["signature"]


def _matching_key(signed: bytes, mac: bytes, keys: tuple[tuple[str, str], ...]) -> str | None:
    from jwt.algorithms import HMACAlgorithm

    hmac_sha256 = HMACAlgorithm(HMACAlgorithm.SHA256)
    # With an empty key anybody can sign.
    known = [(name, key.encode()) for name, key in keys if key]
    return next((name for name, key in known if hmac_sha256.verify(signed, key, mac)), None)


def _claim_checks(claims: dict[str, Any], expected: Expectation) -> Iterator[Check]:
    yield Check("iss", _outcome(claims.get("iss") == ISSUER), ISSUER, _show(claims.get("iss")))
    yield _subject_check(claims.get("sub"), expected.url)
    yield _expiry_check(claims.get("exp"), expected)
    yield _time_check("nbf", claims.get("nbf"), expected, required=True)
    yield _time_check("iat", claims.get("iat"), expected, required=False)
    yield _body_check(claims.get("body"), expected.body)


def _subject_check(found: Any, url: str | None) -> Check:
    if url is None:
        return Check("sub", _outcome(found is not None, "not checked"), "", _show(found))
    return Check("sub", _outcome(found == url), url, _show(found))


def _expiry_check(found: Any, expected: Expectation) -> Check:
    limit = expected.now - expected.tolerance_s
    wanted = f"after {limit:.0f}"
    if not _is_number(found):
        return Check("exp", "fail", wanted, _show(found))
    if expected.ignore_expiry:
        return Check("exp", "not checked", wanted, _show(found))
    return Check("exp", _outcome(found > limit), wanted, _show(found))


def _time_check(name: str, found: Any, expected: Expectation, *, required: bool) -> Check:
    limit = expected.now + expected.tolerance_s
    wanted = f"not after {limit:.0f}"
    if found is None and not required:
        return Check(name, "not checked", wanted, _show(found))
    return Check(name, _outcome(_is_number(found) and found <= limit), wanted, _show(found))


def _body_check(found: Any, body: bytes | None) -> Check:
    if body is None:
        return Check("body", _outcome(isinstance(found, str), "not checked"), "", _show(found))
    wanted = body_hash(body)
    matches = isinstance(found, str) and hmac.compare_digest(
        found.rstrip("=").encode(), wanted.rstrip("=").encode()
    )
    return Check("body", _outcome(matches), wanted, _show(found))


def _outcome(claim_holds: bool, otherwise: Outcome = "pass") -> Outcome:
    return otherwise if claim_holds else "fail"


def _is_number(value: Any) -> bool:
    # JSON has no infinity, but Python reads one, and so it reads 1e999.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _show(value: Any) -> str:
    return "missing" if value is None else str(value)
