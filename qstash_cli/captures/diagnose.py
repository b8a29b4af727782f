"""Diagnoses why a signature is not valid. Every cause is tested before it is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qstash_cli.captures import body_mismatch, url_mismatch
from qstash_cli.captures.capture import BODY_KEYS, decoded_base64
from qstash_cli.captures.diagnosis import Diagnosis
from qstash_cli.captures.search_budget import SearchBudget
from qstash_cli.protocol.claim_checks import Expectation, seconds_of
from qstash_cli.protocol.signature import SignatureReport, signing_key

OtherKeys = Mapping[str, tuple[str, str]]

_MAX_LISTED_KEYS, _MAX_KEY_CHARACTERS = 20, 40
# About a hundred years. A larger difference means that the time itself is wrong.
_LONG_S = 3_000_000_000


def diagnose(
    signature: str,
    expected: Expectation,
    report: SignatureReport,
    other_keys: OtherKeys,
    *,
    budget: SearchBudget,
    keys_without_body: tuple[str, ...] = (),
) -> list[Diagnosis]:
    """Returns the causes of the failed checks.

    `other_keys` are signing keys that the user did not select: a name, the key, and the fix to
    report if that key made the signature. `keys_without_body` are the keys of a JSON capture that
    has no body under a known key.
    """
    failed, claims = report.failed, report.claims
    found: list[Diagnosis] = []
    if "key" in failed:
        found += _key(signature, expected, other_keys)
    if "sub" in failed and expected.url is not None:
        found += url_mismatch.find(expected.url, str(claims.get("sub")))
    if "exp" in failed:
        found += _expiry(expected, seconds_of(claims.get("exp")))
    if "body" in failed and expected.body is not None:
        if keys_without_body:
            return [*found, _no_body(keys_without_body)]
        signed_hash = decoded_base64(str(claims.get("body", "")))
        cause = signed_hash and body_mismatch.find(expected.body, signed_hash, budget)
        found += [cause] if cause else []
    return found


def _expiry(expected: Expectation, expires_at: int | None) -> Iterator[Diagnosis]:
    if expires_at is None:
        return
    late_s = int(expected.now) - expires_at
    ago = f"{late_s} s" if late_s < _LONG_S else "a hundred years or more"
    yield Diagnosis(
        "exp",
        f"the signature expired {ago} before the time of the check",
        "verify it at the time it was received with --at TIME, or add --ignore-expiry",
    )


def _no_body(keys: tuple[str, ...]) -> Diagnosis:
    listed = ", ".join(key[:_MAX_KEY_CHARACTERS] for key in keys[:_MAX_LISTED_KEYS])
    return Diagnosis(
        "body",
        f"the capture has no body under a known key ({', '.join(BODY_KEYS)}); its keys: {listed}",
        "rename the body's key to rawBody or body, or pass the body with --body @FILE",
    )


def _key(signature: str, expected: Expectation, other_keys: OtherKeys) -> Iterator[Diagnosis]:
    for name, (key, fix) in other_keys.items():
        if _signs(signature, key):
            yield Diagnosis("key", f"the token is signed with {name}", fix)
            return
    for name, key in expected.keys:
        bare = key.strip().strip("\"'").strip()
        if bare != key and _signs(signature, bare):
            yield Diagnosis(
                "key", f"the {name} key has quotes or whitespace around it", "remove them"
            )
            return
    yield Diagnosis(
        "key",
        "the token is not signed with any known key",
        "is it from another account or region, or were the keys rotated twice since they were set? "
        "`qstash keys get` prints the current keys",
    )
    for name, key in expected.keys:
        bare = key.strip()
        if not bare.startswith("sig_"):
            kind = "a token" if _is_token(bare) else "not a signing key, which starts with sig_"
            yield Diagnosis("key", f"the {name} key is {kind}", "pass a signing key")


def _is_token(text: str) -> bool:
    return b'"UserID"' in (decoded_base64(text) or b"")


def _signs(signature: str, key: str) -> bool:
    return signing_key(signature, (("it", key),)) is not None
