"""The rules of RFC 7515 and RFC 8725 that a receiver of signatures must keep; docs/signatures.md
says which test is for which rule.
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
    """A token whose parts are these texts, whatever they say, signed with HMAC SHA-256."""
    parts = [one if isinstance(one, str) else json.dumps(one) for one in (header, claims)]
    signed = ".".join(encoded(part.encode()) for part in parts)
    return f"{signed}.{encoded(hmac.digest(key.encode(), signed.encode(), hashlib.sha256))}"


def is_valid(token: str, expected: Expectation = EXPECTED) -> bool:
    return verify(token, expected).valid


def test_the_tokens_of_these_tests_are_good_but_for_what_they_test() -> None:
    assert is_valid(made(HEADER, CLAIMS))
    assert is_valid(sign(KEY, url=URL, body=b"x", now=NOW, token_id="jwt_1"))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "hs256", "HS512", "RS256", "ES256", "", None, 1]
)
def test_the_algorithm_is_the_verifiers_choice(algorithm: object) -> None:
    assert not is_valid(made({"alg": algorithm, "typ": "JWT"}, CLAIMS))
    head, payload, _ = made({"alg": algorithm, "typ": "JWT"}, CLAIMS).split(".")
    assert not is_valid(f"{head}.{payload}.")


@pytest.mark.parametrize(
    "extra", [{"crit": ["exp"]}, {"crit": ["x"], "x": 1}, {"crit": []}, {"crit": "x"},
              {"crit": ["b64"], "b64": False}, {"b64": False}],
)  # fmt: skip
def test_an_extension_that_must_be_understood_is_refused(extra: dict[str, Any]) -> None:
    assert not is_valid(made(HEADER | extra, CLAIMS))


@pytest.mark.parametrize(
    "extra", [{"jwk": {"kty": "oct", "k": "AAAA"}}, {"jku": "https://evil.example/keys"},
              {"x5u": "https://evil.example/cert"}, {"kid": "../../dev/null"}, {"x5c": ["AAAA"]}],
)  # fmt: skip
def test_a_key_that_the_token_brings_is_not_used(extra: dict[str, Any]) -> None:
    assert not is_valid(made(HEADER | extra, CLAIMS, key="another-key-of-the-attacker"))
    assert not is_valid(made(HEADER | extra, CLAIMS, key=""))


def test_an_empty_key_is_no_key() -> None:
    assert not is_valid(made(HEADER, CLAIMS, key=""), EXPECTED._replace(keys=(("current", ""),)))


@pytest.mark.parametrize("junk", ["=", "==", "!", "\n", " ", "\r\n", "é", "\0", "%3D", "+", "/"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_only_base64url_is_read_and_nothing_is_passed_over(junk: str, place: int) -> None:
    parts = made(HEADER, CLAIMS).split(".")
    inside = [*parts]
    inside[place] = f"{parts[place][:5]}{junk}{parts[place][5:]}"
    after = [*parts]
    after[place] += junk

    assert not is_valid(".".join(inside))
    # Blanks around the whole of it are the copier's. The padding that belongs there is no other
    # signature; PyJWT 2.14 refuses it, 2.15.1 reads it.
    if (place, junk) != (2, "="):
        assert is_valid(".".join(after)) is (place == 2 and junk.isspace())


def test_bits_that_no_byte_has_room_for_are_zero() -> None:
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
def test_what_is_not_three_parts_is_refused(token: str) -> None:
    assert not is_valid(token)
    assert not is_valid(f"{made(HEADER, CLAIMS)}.{token}")


@pytest.mark.parametrize("header", ["[]", "1", "null", '"HS256"', "", "{", "{}", '{"alg":' * 9999])
def test_a_header_that_is_no_object_is_refused(header: str) -> None:
    assert not is_valid(made(header, CLAIMS))


@pytest.mark.parametrize("claims", ["[]", "1", "null", '"x"', "", "{", "[" * 100_000])
def test_claims_that_are_no_object_are_refused(claims: str) -> None:
    assert not is_valid(made(HEADER, claims))


def test_of_two_members_of_a_name_the_last_one_counts() -> None:
    last_is_wrong = made('{"alg":"HS256","alg":"none"}', CLAIMS)
    text = json.dumps(CLAIMS)

    assert not is_valid(last_is_wrong)
    assert not is_valid(made(HEADER, f'{text[:-1]},"iss":"Somebody"}}'))
    assert is_valid(made(HEADER, f'{{"iss":"Somebody",{text[1:]}'))


@pytest.mark.parametrize(
    "number", ["1e999", "Infinity", "NaN", "-Infinity", '"soon"', "null", "[]", "9" * 5000]
)
def test_a_time_is_a_number_that_json_has(number: str) -> None:
    for name in ("exp", "nbf", "iat"):
        text = json.dumps({**CLAIMS, name: "@"}).replace('"@"', number)
        assert not is_valid(made(HEADER, text))


@pytest.mark.parametrize(
    ("claim", "value"), [("iss", "upstash"), ("sub", URL + "/"), ("exp", NOW), ("nbf", NOW + 1),
                         ("iat", NOW + 60), ("body", ""), ("iss", ["Upstash"]), ("sub", [URL])],
)  # fmt: skip
def test_every_claim_is_held_against_what_is_expected(claim: str, value: object) -> None:
    assert not is_valid(made(HEADER, CLAIMS | {claim: value}))


def test_each_row_of_the_review_names_a_test_that_is_there() -> None:
    rows = re.findall(
        r"^\| RFC .*\| `(tests/[\w/]+\.py)::(\w+)` \|$",
        (ROOT / "docs/signatures.md").read_text(),
        re.MULTILINE,
    )

    assert len(rows) == (ROOT / "docs/signatures.md").read_text().count("\n| RFC ")
    for file, name in rows:
        assert f"def {name}(" in (ROOT / file).read_text(), name
    own = re.findall(r"^def (test_\w+)", Path(__file__).read_text(), re.MULTILINE)
    assert {name for name in own if "row" not in name and "these_tests" not in name} <= {
        name for _, name in rows
    }
