"""The rules of RFC 7515 and RFC 8725 for a receiver of signatures.

docs/signatures.md maps each rule to its test.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.protocol.claim_checks import Expectation
from qstash_cli.protocol.signature import claims_of, sign, verify
from tests.figures import Figures

ROOT = Path(__file__).parents[2]
KEY = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r"
URL = "https://app.example.com/hook"
NOW = 1_700_000_000
EXPECTED = Expectation(
    keys=(("current", KEY),), url=URL, body=b"x", now=NOW, uses_system_clock=False
)
CLAIMS = claims_of(url=URL, body=b"x", now=NOW, token_id="jwt_1")
HEADER = {"alg": "HS256", "typ": "JWT"}


@pytest.fixture(autouse=True)
def _add_to_figures(figures: Figures) -> None:
    figures("signatures", cases=1)


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def made(header: str | dict[str, Any], claims: str | dict[str, Any], key: str = KEY) -> str:
    """Returns a token with arbitrary parts, signed with HMAC SHA-256."""
    parts = [one if isinstance(one, str) else json.dumps(one) for one in (header, claims)]
    signed = ".".join(encoded(part.encode()) for part in parts)
    return f"{signed}.{encoded(hmac.digest(key.encode(), signed.encode(), hashlib.sha256))}"


def is_valid(token: str, expected: Expectation = EXPECTED) -> bool:
    return verify(token, expected).valid


def test_the_base_token_is_valid() -> None:
    assert is_valid(made(HEADER, CLAIMS))
    assert is_valid(sign(KEY, url=URL, body=b"x", now=NOW, token_id="jwt_1"))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "hs256", "HS512", "RS256", "ES256", "", None, 1]
)
def test_the_verifier_chooses_the_algorithm(algorithm: object) -> None:
    assert not is_valid(made({"alg": algorithm, "typ": "JWT"}, CLAIMS))
    head, payload, _ = made({"alg": algorithm, "typ": "JWT"}, CLAIMS).split(".")
    assert not is_valid(f"{head}.{payload}.")


@pytest.mark.parametrize(
    "extra", [{"crit": ["exp"]}, {"crit": ["x"], "x": 1}, {"crit": []}, {"crit": "x"},
              {"crit": ["b64"], "b64": False}, {"b64": False}],
)  # fmt: skip
def test_critical_extensions_are_rejected(extra: dict[str, Any]) -> None:
    assert not is_valid(made(HEADER | extra, CLAIMS))


@pytest.mark.parametrize(
    "extra", [{"jwk": {"kty": "oct", "k": "AAAA"}}, {"jku": "https://evil.example/keys"},
              {"x5u": "https://evil.example/cert"}, {"kid": "../../dev/null"}, {"x5c": ["AAAA"]}],
)  # fmt: skip
def test_keys_in_the_token_are_ignored(extra: dict[str, Any]) -> None:
    assert not is_valid(made(HEADER | extra, CLAIMS, key="another-key-of-the-attacker"))
    assert not is_valid(made(HEADER | extra, CLAIMS, key=""))


def test_an_empty_key_is_rejected() -> None:
    assert not is_valid(made(HEADER, CLAIMS, key=""), EXPECTED._replace(keys=(("current", ""),)))


@pytest.mark.parametrize("junk", ["=", "==", "!", "\n", " ", "\r\n", "é", "\0", "%3D", "+", "/"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_characters_outside_base64url_are_rejected(junk: str, place: int) -> None:
    parts = made(HEADER, CLAIMS).split(".")
    inside = [*parts]
    inside[place] = f"{parts[place][:5]}{junk}{parts[place][5:]}"
    after = [*parts]
    after[place] += junk

    assert not is_valid(".".join(inside))
    # Whitespace around the token is tolerated. Correct padding does not change the signature:
    # PyJWT 2.14 rejects it, 2.15.1 accepts it.
    if (place, junk) != (2, "="):
        assert is_valid(".".join(after)) is (place == 2 and junk.isspace())


def test_unused_trailing_bits_must_be_zero() -> None:
    token = made(HEADER, CLAIMS)
    same_bytes = [
        other for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        if (other := token[:-1] + last) != token
        and urlsafe_b64decode(other.rpartition(".")[2] + "=")
        == urlsafe_b64decode(token.rpartition(".")[2] + "=")
    ]  # fmt: skip

    assert same_bytes
    assert not any(is_valid(other) for other in same_bytes)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "a.b", "a.b.c.d", "{}", f"{'a' * 10**6}.b.c"]
)
def test_tokens_without_three_parts_are_rejected(token: str) -> None:
    assert not is_valid(token)
    assert not is_valid(f"{made(HEADER, CLAIMS)}.{token}")


@pytest.mark.parametrize("header", ["[]", "1", "null", '"HS256"', "", "{", "{}", '{"alg":' * 9999])
def test_headers_that_are_not_objects_are_rejected(header: str) -> None:
    assert not is_valid(made(header, CLAIMS))


@pytest.mark.parametrize("claims", ["[]", "1", "null", '"x"', "", "{", "[" * 100_000])
def test_claims_that_are_not_objects_are_rejected(claims: str) -> None:
    assert not is_valid(made(HEADER, claims))


def test_the_last_of_duplicate_members_counts() -> None:
    last_is_wrong = made('{"alg":"HS256","alg":"none"}', CLAIMS)
    text = json.dumps(CLAIMS)

    assert not is_valid(last_is_wrong)
    assert not is_valid(made(HEADER, f'{text[:-1]},"iss":"Somebody"}}'))
    assert is_valid(made(HEADER, f'{{"iss":"Somebody",{text[1:]}'))


@pytest.mark.parametrize(
    "number", ["1e999", "Infinity", "NaN", "-Infinity", '"soon"', "null", "[]", "9" * 5000]
)
def test_times_must_be_valid_json_numbers(number: str) -> None:
    for name in ("exp", "nbf", "iat"):
        text = json.dumps({**CLAIMS, name: "@"}).replace('"@"', number)
        assert not is_valid(made(HEADER, text))


@pytest.mark.parametrize(
    ("claim", "value"), [("iss", "upstash"), ("sub", URL + "/"), ("exp", NOW), ("nbf", NOW + 1),
                         ("iat", NOW + 60), ("body", ""), ("iss", ["Upstash"]), ("sub", [URL])],
)  # fmt: skip
def test_every_claim_is_compared_with_its_expected_value(claim: str, value: object) -> None:
    assert not is_valid(made(HEADER, CLAIMS | {claim: value}))


def test_every_rule_of_the_review_names_an_existing_test() -> None:
    rows = re.findall(
        r"^\| RFC .*\| `(tests/[\w/]+\.py)::(\w+)` \|$",
        (ROOT / "docs/signatures.md").read_text(),
        re.MULTILINE,
    )

    assert len(rows) == (ROOT / "docs/signatures.md").read_text().count("\n| RFC ")
    for file, name in rows:
        assert f"def {name}(" in (ROOT / file).read_text(), name
    own = re.findall(r"^def (test_\w+)", Path(__file__).read_text(), re.MULTILINE)
    about_the_tests = {
        test_the_base_token_is_valid.__name__,
        test_every_rule_of_the_review_names_an_existing_test.__name__,
    }
    assert set(own) - about_the_tests <= {name for _, name in rows}
