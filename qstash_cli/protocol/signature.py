"""Signing requests as QStash does, and checking every claim of a signature.

A signature is a JWT (RFC 7519) signed with HMAC SHA-256 (RFC 7515, RFC 7518 §3.2). Source of the
claims: QStash docs, "Verify signatures".
"""

from __future__ import annotations

import hmac
import json
from binascii import a2b_base64, b2a_base64
from functools import lru_cache
from typing import Any, NamedTuple

from qstash_cli.protocol.claim_checks import (
    CLAIMS,
    ISSUER,
    Check,
    Expectation,
    Outcome,
    body_hash,
    claim_outcomes,
    claim_texts,
    outcome,
    shown,
)
from qstash_cli.quick_json import loads

ALGORITHM = "HS256"
LIFETIME_S = 300
# "+" and "/" would be passed over by the decoder, as it passes over "!".
_TO_BASE64 = bytes.maketrans(b"-_+/", b"+/!!")
_TO_BASE64URL = bytes.maketrans(b"+/", b"-_")

_CHECKS = ("structure", "algorithm", "key", *CLAIMS)


class SignatureReport(NamedTuple):
    """All checks of one signature, `claims` as the token has them, and which key signed it.

    `outcomes` are those of the checks in their order: the first alone for what is no JWT.
    """

    outcomes: tuple[Outcome, ...]
    claims: dict[str, Any]
    key: str | None
    algorithm: Any
    expected: Expectation

    @property
    def valid(self) -> bool:
        """No check failed."""
        return "fail" not in self.outcomes

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        if self.valid:
            return []
        return [name for name, one in zip(_CHECKS, self.outcomes, strict=False) if one == "fail"]

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks with their texts, which are made now."""
        if len(self.outcomes) == 1:
            return (Check("structure", "fail", "a JWT of three base64url parts", "something else"),)
        texts = (
            ("", ""),
            (ALGORITHM, shown(self.algorithm)),
            (self.expected.key_names, self.key or "none"),
            *claim_texts(self.claims, self.expected),
        )
        parts = zip(_CHECKS, self.outcomes, texts, strict=True)
        return tuple(Check(name, one, *pair) for name, one, pair in parts)


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
            outcomes=("fail",), claims={}, key=None, algorithm=None, expected=expected
        )
    header, claims, signed, mac = token
    algorithm = header.get("alg")
    is_known = algorithm == ALGORITHM
    key = _matching_key(signed, mac, expected.keys) if is_known else None
    outcomes: tuple[Outcome, ...] = (
        "pass",
        outcome(is_known),
        outcome(key is not None) if is_known else "not checked",
        *claim_outcomes(claims, expected),
    )
    return SignatureReport(
        outcomes=outcomes, claims=claims, key=key, algorithm=algorithm, expected=expected
    )


def _decoded(signature: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes] | None:
    """Header, claims, what was signed, and the MAC; None if it has not the structure of a JWT."""
    parts = signature.strip().split(".")
    if len(parts) != 3:
        return None
    try:
        header = _json_of(parts[0])
        claims = loads(_from_base64url(parts[1]).decode())
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
    canonical = plain.translate(_TO_BASE64) + b"=" * (-len(plain) % 4)
    decoded = a2b_base64(canonical)
    if b2a_base64(decoded, newline=False) != canonical:
        raise ValueError("not base64url")
    return decoded


def _base64url(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_TO_BASE64URL).rstrip(b"=")


# As PyJWT and the SDKs write it.
_HEADER = _base64url(b'{"alg":"HS256","typ":"JWT"}')


def _mac(key: str, signed: bytes) -> bytes:
    return hmac.digest(key.encode(errors="surrogateescape"), signed, "sha256")


def _matching_key(signed: bytes, mac: bytes, keys: tuple[tuple[str, str], ...]) -> str | None:
    for name, key in keys:
        # With an empty key anybody can sign.
        if key and hmac.compare_digest(_mac(key, signed), mac):
            return name
    return None
