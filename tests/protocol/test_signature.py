"""Signatures are created as QStash creates them, and every claim is verified."""

import json
from base64 import urlsafe_b64encode

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstash_cli.protocol.claim_checks import Expectation, body_hash
from qstash_cli.protocol.signature import SignatureReport, sign, verify

CURRENT = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r"
NEXT = "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs"
URL = "https://app.example.com/hook?a=1"
BODY = b'{"a": 1}\xff'
NOW = 1_700_000_000.5
EXPECTED = Expectation(
    keys=(("current", CURRENT), ("next", NEXT)),
    url=URL,
    body=BODY,
    now=NOW,
    uses_system_clock=False,
)
CHECKS = ["structure", "algorithm", "key", "iss", "sub", "exp", "nbf", "iat", "body"]


def signed(key: str = CURRENT) -> str:
    return sign(key, url=URL, body=BODY, now=NOW, token_id="jwt_x")


def failed(report: SignatureReport) -> list[str]:
    return [each.name for each in report.checks if each.outcome == "fail"]


@pytest.mark.parametrize(("key", "name"), [(CURRENT, "current"), (NEXT, "next")])
def test_a_signature_passes_every_check_and_names_its_key(key: str, name: str) -> None:
    report = verify(signed(key), EXPECTED)

    assert report.valid
    assert report.key == name
    assert [each.name for each in report.checks] == CHECKS
    assert {each.outcome for each in report.checks} == {"pass"}


def test_the_claims_are_those_that_qstash_documents() -> None:
    claims = jwt.decode(signed(), CURRENT, algorithms=["HS256"], options={"verify_exp": False})

    assert claims == {
        "iss": "Upstash",
        "sub": URL,
        "exp": 1_700_000_300,
        "nbf": 0,
        "iat": 1_700_000_000,
        "jti": "jwt_x",
        "body": body_hash(BODY),
    }


def test_the_hash_of_an_empty_body_is_the_documented_one() -> None:
    assert body_hash(b"") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    ("expected", "failures"),
    [
        (EXPECTED._replace(url="https://other.example"), ["sub"]),
        (EXPECTED._replace(body=BODY + b"\n"), ["body"]),
        (EXPECTED._replace(now=NOW + 300), ["exp"]),
        (EXPECTED._replace(now=NOW + 300, tolerance_s=5), []),
        (EXPECTED._replace(now=NOW + 9e6, ignore_expiry=True), []),
        (EXPECTED._replace(now=NOW - 2), ["iat"]),
        (EXPECTED._replace(now=NOW - 2, tolerance_s=5), []),
        (EXPECTED._replace(keys=(("current", "sig_other"),)), ["key"]),
        (EXPECTED._replace(url=None, body=None), []),
        (EXPECTED._replace(url="", now=NOW + 301, keys=()), ["key", "sub", "exp"]),
    ],
)  # fmt: skip
def test_each_check_fails_independently(expected: Expectation, failures: list[str]) -> None:
    report = verify(signed(), expected)

    assert failed(report) == failures
    assert report.valid is (failures == [])
    assert len(report.checks) == len(CHECKS)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_only_hs256_is_accepted(algorithm: str) -> None:
    claims = jwt.decode(signed(), options={"verify_signature": False})
    token = jwt.encode(claims, CURRENT * 3, algorithm=algorithm)

    report = verify(token, EXPECTED._replace(keys=(("current", CURRENT * 3),)))

    assert failed(report) == ["algorithm"]


def test_an_unsigned_token_is_refused() -> None:
    header = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")

    assert failed(verify(f"{header}.{signed().split('.')[1]}.", EXPECTED)) == ["algorithm"]


@pytest.mark.parametrize("claim", ["iss", "sub", "exp", "nbf", "body"])
def test_a_missing_claim_fails(claim: str) -> None:
    claims = jwt.decode(signed(), options={"verify_signature": False})
    del claims[claim]

    assert failed(verify(jwt.encode(claims, CURRENT), EXPECTED)) == [claim]


@pytest.mark.parametrize("value", ["x", None, [], {}, "ü", float("inf"), "9" * 5000])
@pytest.mark.parametrize("claim", ["iss", "sub", "exp", "nbf", "iat", "body"])
def test_a_claim_of_the_wrong_type_fails(claim: str, value: object) -> None:
    claims = jwt.decode(signed(), options={"verify_signature": False}) | {claim: value}
    token = jwt.api_jws.encode(json.dumps(claims).encode(), CURRENT)

    assert failed(verify(token, EXPECTED)) == [claim]


@pytest.mark.parametrize(
    ("claim", "value"),
    [("aud", "someone"), ("aud", ["someone"]), ("jti", 7), ("jti", None), ("sub", 7), ("sub", [])],
)
def test_a_claim_that_only_pyjwt_checks_fails_by_name(claim: str, value: object) -> None:
    claims = jwt.decode(signed(), options={"verify_signature": False}) | {claim: value}

    report = verify(jwt.encode(claims, CURRENT), EXPECTED._replace(url=None))

    assert not report.valid
    assert failed(report) == report.failed == [claim]


def test_a_token_that_only_pyjwt_refuses_is_not_valid() -> None:
    report = verify(signed(), EXPECTED._replace(now=NOW, uses_system_clock=True))

    assert not report.valid
    assert report.failed == ["token"]
    assert report.checks[-1] == ("token", "fail", "accepted by PyJWT", "Signature has expired")


def test_the_same_rules_apply_at_another_time_than_now() -> None:
    def times(**changed: object) -> list[str]:
        claims = jwt.decode(signed(), options={"verify_signature": False}) | changed
        return failed(verify(jwt.api_jws.encode(json.dumps(claims).encode(), CURRENT), EXPECTED))

    assert times(exp="1700000001", nbf=True, iat=1_700_000_000.9) == []
    assert times(exp=int(NOW), iat=int(NOW) + 1) == ["exp", "iat"]
    assert times(exp=float("nan"), nbf=float("-inf"), iat=None) == ["exp", "nbf", "iat"]


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[A-Za-z0-9_.=-]*", fullmatch=True))
def test_garbage_is_refused_without_an_exception(text: str) -> None:
    assert not verify(text, EXPECTED).valid


@settings(deadline=None)
@given(st.integers(0, len(signed()) - 1), st.characters())
def test_a_token_with_a_changed_character_is_never_valid(position: int, character: str) -> None:
    original = signed()
    changed = original[:position] + character + original[position + 1 :]

    assert verify(changed, EXPECTED).valid is (changed == original)
