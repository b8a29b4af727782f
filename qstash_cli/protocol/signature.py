"""Creates and verifies QStash signatures.

A signature is a JWT (RFC 7519) signed with HMAC SHA-256 (RFC 7518, section 3.2). PyJWT encodes and
validates it: a token is valid only if PyJWT accepts it for one of the keys, with the options that
QStash's official Receiver uses. This module adds the checks that PyJWT does not have (`body`, and
`sub` as the URL) and reports on every check, whereas PyJWT stops at the first failure. Source of
the claims: QStash docs, "Verify signatures".
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

NamedKeys = tuple[tuple[str, str], ...]

ALGORITHM = "HS256"
_ALGORITHMS = [ALGORITHM]
LIFETIME_S = 300
# PyJWT warns on stderr about shorter keys (RFC 7518, section 3.2). Users cannot choose the length.
_RECOMMENDED_KEY_BYTES = 32
# More keys than one run uses: those of all regions and the two of `qstash dev`.
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
    """The result of every check of a signature, its claims, and the name of the signing key.

    `valid` means that PyJWT accepts the token and no check failed. `outcomes` are in the order of
    the checks; a token that is not a JWT has only the first. `refusal` is PyJWT's reason, empty if
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
        """The checks with their display texts, built on each call."""
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
    """Returns the `Upstash-Signature` of a request to `url`, valid for `lifetime_s` after `now`.

    `not_before_s` is in unix seconds. QStash sends zero rather than `iat`, because receivers whose
    clocks were slow refused its tokens.
    """
    claims = claims_of(url=url, body=body, now=now, token_id=token_id, lifetime_s=lifetime_s)
    return encode_token(claims | {"nbf": not_before_s}, key, ALGORITHM)


def claims_of(
    *, url: str, body: bytes, now: float, token_id: str, lifetime_s: int = LIFETIME_S
) -> dict[str, Any]:
    """Returns the claims of a token issued at `now` for a request to `url`."""
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
    """Returns a token with these claims, signed with an algorithm of RFC 7518.

    The algorithm `none` requires an empty key.
    """
    from jwt import encode

    # For `none`, PyJWT accepts an empty string as the key but not empty bytes.
    secret = key.encode(errors="surrogateescape") or ""
    if algorithm == ALGORITHM and len(secret) >= _RECOMMENDED_KEY_BYTES:
        return encode(claims, secret, algorithm)
    with warnings.catch_warnings(action="ignore"):
        return encode(claims, secret, algorithm)


def verify(signature: str, expected: Expectation) -> SignatureReport:
    """Verifies a signature and reports on every check. Never raises for an invalid one."""
    token = _token_bytes(signature)
    decoder = _decoder(expected.uses_system_clock, expected.ignore_expiry)
    refusals: dict[str, str] = {}
    for name, key in expected.keys:
        claims = _decode(decoder, token, key, expected.tolerance_s)
        if not isinstance(claims, str):
            return _accepted(claims, name, expected)
        refusals[name] = claims
    return _refused(signature, expected, refusals)


def signing_key(signature: str, keys: NamedKeys) -> str | None:
    """Returns the name of the key that signed the token, whatever its claims, or None."""
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
    """Returns the claims if PyJWT accepts the token for the key, or the reason why it does not."""
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
    """Returns the key as a PyJWK, which validates it only once.

    PyJWT otherwise checks with each token that an HMAC key is not one of another algorithm, which
    took a fifth of the time per token. Invalid keys raise, and exceptions are not cached.
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
    """Returns PyJWT with the Receiver's options, or without its own checks of times."""
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

    # Like the Receiver, treat any of these exceptions as a refusal.
    return (PyJWTError, ValueError, TypeError, RecursionError)


def _token_bytes(signature: str) -> bytes:
    # Whitespace around a header value is not part of it (RFC 9110, section 5.5).
    return signature.strip().encode(errors="surrogatepass")
