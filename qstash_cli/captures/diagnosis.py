"""Why a signature does not hold: findings, each of them tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qstash_cli.captures import body_harms, url_harms
from qstash_cli.captures.capture import decoded_base64
from qstash_cli.captures.finding import Finding
from qstash_cli.protocol.claim_checks import Expectation
from qstash_cli.protocol.signature import SignatureReport, signing_key


def diagnose(
    signature: str,
    expected: Expectation,
    report: SignatureReport,
    other_keys: Mapping[str, tuple[str, str]],
) -> list[Finding]:
    """What explains the checks that failed.

    `other_keys` are keys that were not asked for: a name, and the key with what to do if it fits.
    """
    failed = report.failed
    found: list[Finding] = []
    if "key" in failed:
        found += _key(signature, expected, other_keys)
    if "sub" in failed and expected.url is not None:
        found += url_harms.find(expected.url, str(report.claims.get("sub")))
    signed_hash = decoded_base64(str(report.claims.get("body", "")))
    if "body" in failed and expected.body is not None and signed_hash:
        harm = body_harms.find(expected.body, signed_hash)
        found += [harm] if harm else []
    if "exp" in failed and isinstance(report.claims.get("exp"), int | float):
        late_s = expected.now - report.claims["exp"]
        found.append(
            Finding(
                "exp",
                f"it ended {late_s:.0f} s before the time of this check",
                "judge it as of its own time with --at TIME, or add --ignore-expiry",
            )
        )
    return found


def _key(
    signature: str, expected: Expectation, other_keys: Mapping[str, tuple[str, str]]
) -> Iterator[Finding]:
    for name, (key, fix) in other_keys.items():
        if _signs(signature, key):
            yield Finding("key", f"{name} signed it", fix)
            return
    for name, key in expected.keys:
        bare = key.strip().strip("\"'").strip()
        if bare != key and _signs(signature, bare):
            yield Finding("key", f"the {name} key has quotes or blanks around it", "take them away")
            return
    yield Finding(
        "key",
        "no key that is known here signed it",
        "is it of another account or region, or were the keys rotated twice since they were set? "
        "`qstash keys get` shows those of today",
    )
    for name, key in expected.keys:
        bare = key.strip()
        if not bare.startswith("sig_"):
            looks = "a token" if _is_token(bare) else "no signing key, which begins with sig_"
            yield Finding(
                "key", f"what is given as the {name} key looks like {looks}", "give a signing key"
            )


def _is_token(text: str) -> bool:
    return b'"UserID"' in (decoded_base64(text) or b"")


def _signs(signature: str, key: str) -> bool:
    return signing_key(signature, (("it", key),)) is not None
