"""Signing requests as QStash does, and verifying signatures.

A signature is a JWT (RFC 7519) signed with HMAC SHA-256 (RFC 7518, section 3.2). PyJWT makes and
judges it: a token is valid only if PyJWT accepts it for one of the keys, with the options that
QStash's official Receiver uses. This module adds what PyJWT does not know (the `body` claim, `sub`
as the URL) and a report on every check, where PyJWT stops at the first failure. Source of the
claims: QStash docs, "Verify signatures".
"""

from __future__ import annotations

import warnings
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from qstash_cli.protocol.claim_checks import (
    CLAIMS,
    ISSUER,
    ONLY_IF_FAILED,
    Check,
    Expectation,
    Outcome,
    accepted_outcomes,
    body_hash,
    claim_outcomes,
    claim_texts,
    display_text,
    outcome,
)

if TYPE_CHECKING:
    from jwt import PyJWK, PyJWT
    from jwt.types import Options

Keys = tuple[tuple[str, str], ...]

ALGORITHM = "HS256"
_ALGORITHMS = [ALGORITHM]
LIFETIME_S = 300
# PyJWT warns on stderr about shorter keys (RFC 7518, section 3.2), which are the user's choice.
_RECOMMENDED_KEY_BYTES = 32
# More than a run has keys, of all regions and the two of `dev`.
_MAX_KEYS = 64
_REQUIRED_CLAIMS = ["iss", "sub", "exp", "nbf"]
_STRUCTURE_ONLY: Options = {"verify_signature": False}
_SIGNATURE_ONLY: Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_jti": False,
    "verify_nbf": False,
    "verify_sub": False,
}
_CHECKS = ("structure", "algorithm", "key", *CLAIMS)


class SignatureReport(NamedTuple):
    """Every check of one signature, the token's claims, and the name of the key that signed it.

    `valid`: PyJWT accepts the token, and no check failed. `outcomes` are those of the checks in
    order: the first alone for a token that is not a JWT. `refusal` is PyJWT's reason, empty if
    PyJWT accepts the token.
    """

    valid: bool
    outcomes: tuple[Outcome, ...]
    claims: Mapping[str, Any]
    key: str | None
    algorithm: object
    expected: Expectation
    refusal: str = ""

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        if self.valid:
            return []
        failed = [name for name, one in zip(_CHECKS, self.outcomes, strict=False) if one == "fail"]
        return failed or ["token"]

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks with their texts, which are built on each call."""
        if len(self.outcomes) == 1:
            return (Check("structure", "fail", "a signed JWT", self.refusal),)
        texts = (
            ("", ""),
            (ALGORITHM, display_text(self.algorithm)),
            (self.expected.key_names, self.key or "none"),
            *claim_texts(self.claims, self.expected),
        )
        parts = zip(_CHECKS, self.outcomes, texts, strict=True)
        checks = tuple(
            Check(name, one, *pair)
            for name, one, pair in parts
            if one == "fail" or name not in ONLY_IF_FAILED
        )
        if self.failed == ["token"]:
            return (*checks, Check("token", "fail", "accepted by PyJWT", self.refusal))
        return checks


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
    """The `Upstash-Signature` of a request to `url`, valid until `lifetime_s` seconds after `now`.

    `not_before_s` is in unix seconds: zero rather than `iat`, as QStash does since receivers with
    slow clocks refused it.
    """
    claims = claims_of(url=url, body=body, now=now, token_id=token_id, lifetime_s=lifetime_s)
    return encode_token(claims | {"nbf": not_before_s}, key, ALGORITHM)


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


def encode_token(claims: dict[str, Any], key: str, algorithm: str) -> str:
    """The token of these claims, signed with the key by this algorithm of RFC 7518.

    The algorithm `none` takes an empty key.
    """
    from jwt import encode

    # PyJWT knows an empty text as the key of `none`, and no empty bytes.
    secret = key.encode(errors="surrogateescape") or ""
    if algorithm == ALGORITHM and len(secret) >= _RECOMMENDED_KEY_BYTES:
        return encode(claims, secret, algorithm)
    with warnings.catch_warnings(action="ignore"):
        return encode(claims, secret, algorithm)


def verify(signature: str, expected: Expectation) -> SignatureReport:
    """Report on every check of `signature`, whichever fails first. Never raises for a bad one."""
    token = _token_bytes(signature)
    decoder = _decoder(expected.uses_system_clock, expected.ignore_expiry)
    refusals: dict[str, str] = {}
    for name, key in expected.keys:
        claims = _decode(decoder, token, key, expected.tolerance_s)
        if not isinstance(claims, str):
            return _accepted(claims, name, expected)
        refusals[name] = claims
    return _refused(signature, expected, refusals)


def signing_key(signature: str, keys: Keys) -> str | None:
    """The name of the key that signed the token, whatever its claims; None if none of them did."""
    token = _token_bytes(signature)
    for name, key in keys:
        if not isinstance(_decode(_signature_decoder(), token, key), str):
            return name
    return None


def _accepted(claims: dict[str, Any], key: str, expected: Expectation) -> SignatureReport:
    every_check = expected.uses_system_clock and not expected.ignore_expiry
    judge = accepted_outcomes if every_check else claim_outcomes
    outcomes = ("pass", "pass", "pass", *judge(claims, expected))
    return SignatureReport("fail" not in outcomes, outcomes, claims, key, ALGORITHM, expected)


def _refused(signature: str, expected: Expectation, refusals: Mapping[str, str]) -> SignatureReport:
    try:
        parts = _signature_decoder().decode_complete(
            _token_bytes(signature), options=_STRUCTURE_ONLY
        )
    except _refusal_errors() as error:
        return SignatureReport(False, ("fail",), {}, None, None, expected, str(error))
    claims, algorithm = parts["payload"], parts["header"].get("alg")
    is_known = algorithm == ALGORITHM
    key = signing_key(signature, expected.keys) if is_known else None
    outcomes: tuple[Outcome, ...] = (
        "pass",
        outcome(is_known),
        outcome(key is not None) if is_known else "not checked",
        *claim_outcomes(claims, expected),
    )
    refusal = refusals.get(key or "", "no key accepts the token")
    return SignatureReport(False, outcomes, claims, key, algorithm, expected, refusal)


def _decode(decoder: PyJWT, token: bytes, key: str, leeway_s: float = 0) -> dict[str, Any] | str:
    """The claims of a token that PyJWT accepts for the key, or its reason to refuse it."""
    secret = key.encode(errors="surrogateescape")
    try:
        jwk = _jwk(secret)
        if len(secret) < _RECOMMENDED_KEY_BYTES:
            with warnings.catch_warnings(action="ignore"):
                return decoder.decode(token, jwk, _ALGORITHMS, issuer=ISSUER, leeway=leeway_s)
        return decoder.decode(token, jwk, _ALGORITHMS, issuer=ISSUER, leeway=leeway_s)
    except _refusal_errors() as error:
        return str(error) or type(error).__name__


@lru_cache(maxsize=_MAX_KEYS)
def _jwk(secret: bytes) -> PyJWK:
    """The key for PyJWT, which accepts or refuses it once.

    PyJWT checks the key of HMAC with each token, whether it is one of another algorithm. That took
    a fifth of the time of a token. A refusal is an exception, which is not remembered.
    """
    from jwt import PyJWK
    from jwt.algorithms import HMACAlgorithm

    class Hmac(HMACAlgorithm):
        prepare_key = cache(HMACAlgorithm.prepare_key)

    jwk = PyJWK({"kty": "oct", "k": urlsafe_b64encode(secret).decode()}, ALGORITHM)
    jwk.Algorithm = Hmac(HMACAlgorithm.SHA256)
    return jwk


@cache
def _decoder(uses_system_clock: bool, ignore_expiry: bool) -> PyJWT:
    """PyJWT with the options of the Receiver, or without its own checks of times."""
    from jwt import PyJWT

    if not uses_system_clock:
        times: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    else:
        times = {"verify_exp": not ignore_expiry}
    return PyJWT({"require": _REQUIRED_CLAIMS, **times})


@cache
def _signature_decoder() -> PyJWT:
    from jwt import PyJWT

    return PyJWT(_SIGNATURE_ONLY)


@cache
def _refusal_errors() -> tuple[type[Exception], ...]:
    from jwt import PyJWTError

    # The Receiver, too, takes any exception for a refusal.
    return (PyJWTError, ValueError, TypeError, RecursionError)


def _token_bytes(signature: str) -> bytes:
    # Whitespace around a header's value is no part of it (RFC 9110, section 5.5).
    return signature.strip().encode(errors="surrogatepass")
