"""Signing requests as QStash does, and checking every claim of a signature.

A signature is a JWT (RFC 7519) signed with HMAC SHA-256 (RFC 7515, RFC 7518 §3.2). Source of the
claims: QStash docs, "Verify signatures".
"""

from __future__ import annotations

import hashlib
import hmac
import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from qstash_cli.frozen import dataclass

ISSUER = "Upstash"
ALGORITHM = "HS256"
LIFETIME_S = 300
# "+" and "/" would be passed over by the decoder, as it passes over "!".
_TO_BASE64 = bytes.maketrans(b"-_+/", b"+/!!")
_TO_BASE64URL = bytes.maketrans(b"+/", b"-_")

Outcome = Literal["pass", "fail", "not checked"]


class Check(NamedTuple):
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
        return "fail" not in [check.outcome for check in self.checks]

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return [check.name for check in self.checks if check.outcome == "fail"]


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

    @property
    def key_names(self) -> str:
        """The names of the keys."""
        return " or ".join([name for name, _ in self.keys])


def body_hash(body: bytes) -> str:
    """The `body` claim: base64url of SHA-256, with padding, as QStash writes it."""
    digest = b2a_base64(hashlib.sha256(body).digest(), newline=False)
    return digest.translate(_TO_BASE64URL).decode()


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
    payload = json.dumps(claims, separators=(",", ":")).encode()
    if algorithm == ALGORITHM:
        signed = _HEADER + b"." + _base64url(payload)
        return (signed + b"." + _base64url(_mac(key, signed))).decode()
    import warnings

    from jwt import api_jws

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
            Check("key", key_outcome, expected.key_names, matching or "none"),
            *_claim_checks(claims, expected),
        ),
        claims,
        matching,
    )


def _decoded(signature: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes] | None:
    """Header, claims, what was signed, and the MAC; None if it has not the structure of a JWT."""
    parts = signature.strip().split(".")
    if len(parts) != 3:
        return None
    try:
        header = _json_of(parts[0])
        claims = json.loads(_from_base64url(parts[1]).decode())
        mac = _from_base64url(parts[2])
    except (ValueError, RecursionError):
        return None
    if not (isinstance(header, dict) and isinstance(claims, dict) and _is_understood(header)):
        return None
    return header, claims, f"{parts[0]}.{parts[1]}".encode(), mac


# Most tokens have the same one. Nobody changes it.
@lru_cache(maxsize=16)
def _json_of(text: str) -> Any:
    return json.loads(_from_base64url(text).decode())


def _is_understood(header: dict[str, Any]) -> bool:
    # What is critical must be understood (RFC 7515 §4.1.11). The one extension that there is says
    # whether the payload is encoded (RFC 7797), and QStash's always is. A key id is a text.
    return (
        ("crit" not in header or (header["crit"] == ["b64"] and "b64" in header))
        and header.get("b64", True) is not False
        and isinstance(header.get("kid", ""), str)
    )


def _from_base64url(text: str) -> bytes:
    """The bytes of base64url, padded or not. Raises `ValueError` for what no encoder writes."""
    data = text.encode("ascii")
    plain = data.rstrip(b"=")
    if len(data) != len(plain) and len(data) % 4:
        raise ValueError("the padding is not right")
    # Decoding passes over what is not of its alphabet, and over bits that are left at the end.
    decoded = a2b_base64(plain.translate(_TO_BASE64) + b"=" * (-len(plain) % 4))
    if _base64url(decoded) != plain:
        raise ValueError("not base64url")
    return decoded


def _base64url(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_TO_BASE64URL).rstrip(b"=")


# As PyJWT and the SDKs write it.
_HEADER = _base64url(b'{"alg":"HS256","typ":"JWT"}')


def _mac(key: str, signed: bytes) -> bytes:
    return hmac.digest(key.encode(errors="surrogateescape"), signed, "sha256")


def _matching_key(signed: bytes, mac: bytes, keys: tuple[tuple[str, str], ...]) -> str | None:
    return next((n for n, key in keys if hmac.compare_digest(_mac(key, signed), mac)), None)


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
    wanted = _after(limit)
    if not _is_number(found):
        return Check("exp", "fail", wanted, _show(found))
    if expected.ignore_expiry:
        return Check("exp", "not checked", wanted, _show(found))
    return Check("exp", _outcome(found > limit), wanted, _show(found))


def _time_check(name: str, found: Any, expected: Expectation, *, required: bool) -> Check:
    limit = expected.now + expected.tolerance_s
    wanted = _not_after(limit)
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


# Thousands of captures are held against the same time.
@lru_cache(maxsize=4)
def _after(limit: float) -> str:
    return f"after {limit:.0f}"


@lru_cache(maxsize=4)
def _not_after(limit: float) -> str:
    return f"not after {limit:.0f}"


def _outcome(claim_holds: bool, otherwise: Outcome = "pass") -> Outcome:
    return otherwise if claim_holds else "fail"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _show(value: Any) -> str:
    return "missing" if value is None else str(value)
