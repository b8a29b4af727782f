"""`verify` and the official SDK's Receiver agree on every token.

Claims, header, key, body and URL are generated, and tokens are damaged. One difference is
intentional: whitespace around a signature is not part of a header's value (RFC 9110, section 5.5),
so it is removed for the Receiver.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qstash import Receiver

from qstash_cli.captures.diagnose import diagnose
from qstash_cli.captures.search_budget import SearchBudget
from qstash_cli.protocol.bounded_json import bounded
from qstash_cli.protocol.claim_checks import Expectation, body_hash
from qstash_cli.protocol.signature import SignatureReport, verify
from tests.figures import Figures

T = TypeVar("T")
CURRENT, NEXT, OTHER = "sig_current" * 3, "sig_next" * 5, "sig_other" * 4
URL = "https://example.com/hook"
NOW = int(time.time())
DAY_S = 86_400
RECEIVER = Receiver(CURRENT, NEXT)
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "JWT"}
CLAIMS: dict[str, Any] = {
    "iss": "Upstash", "sub": URL, "exp": NOW + DAY_S, "nbf": 0, "iat": NOW - 60, "jti": "jwt_1",
}  # fmt: skip


class Case(NamedTuple):
    """The parts of a capture. `signed_body` is the body whose hash is in the token."""

    header: dict[str, Any] | str
    claims: dict[str, Any] | str
    key: str
    body: str
    signed_body: str | None
    url: str | None


def nested(depth: int, of: Callable[[Any], Any]) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = of(value)
    return value


@st.composite
def mostly(draw: st.DrawFn, common: st.SearchStrategy[T], rare: st.SearchStrategy[T]) -> T:
    """Draws `common` four times out of five; `one_of` has no weights."""
    return draw(common if draw(st.sampled_from([True] * 4 + [False])) else rare)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# Both read the clock: no time may pass from the future into the past between the two readings.
times = st.sampled_from([-1000, -301, -5, 1440, 3010]).map(lambda minutes: NOW + 60 * minutes)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    times,
    times.map(float),
    st.sampled_from([0, -1, True, False, 10**400, -(10**400), 2**63, 1e308, -1e308, 0.5, -0.0]),
)
values = st.one_of(
    numbers,
    texts,
    numbers.map(str),
    st.none(),
    st.sampled_from([
        "Upstash", ["Upstash"], URL, [URL], [], {}, "", " 12 ", "1_0", "9" * 4301, "\ud800",
        nested(500, lambda value: [value]), nested(500, lambda value: {"x": value}),
    ]),
    st.recursive(
        texts | numbers,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ),
)  # fmt: skip
registered = st.sampled_from(["iss", "sub", "exp", "nbf", "iat", "jti", "aud", "body"])
names = st.one_of(registered, registered, registered, st.sampled_from(["scope", "Iss", ""]), texts)
extra = st.dictionaries(st.sampled_from(["aud", "scope", "Iss", ""]) | texts, values, max_size=3)
changes = st.one_of(
    st.just({}),
    extra,
    st.dictionaries(names, values, min_size=1, max_size=2),
    st.fixed_dictionaries(
        {},
        optional={
            "jti": texts,
            "aud": st.sampled_from([None, "", [], 0, False, {}]),
            "nbf": times | times.map(str) | st.integers(max_value=0) | st.booleans(),
            "exp": times | times.map(float) | st.integers(min_value=NOW + DAY_S),
            "iat": times | times.map(str) | st.floats(max_value=0, allow_infinity=False),
        },
    ),
)
losses = mostly(st.just(set[str]()), st.sets(registered, min_size=1, max_size=1))
odd_headers = st.one_of(
    st.sampled_from(["HS384", "HS512", "none", "None", "", "RS256", None, 1, ["HS256"], {}]).map(
        lambda alg: HEADER | {"alg": alg}
    ),
    st.sampled_from([
        {"alg": "HS256"}, {"typ": "JWT"}, {}, HEADER | {"typ": None}, HEADER | {"kid": "a"},
        HEADER | {"kid": 1}, HEADER | {"kid": None}, HEADER | {"crit": []},
        HEADER | {"crit": ["b64"]}, HEADER | {"crit": ["b64"], "b64": True},
        HEADER | {"crit": ["b64"], "b64": False}, HEADER | {"b64": True}, HEADER | {"b64": False},
        HEADER | {"crit": ["exp"]}, HEADER | {"crit": "b64", "b64": True},
        HEADER | {"crit": None}, HEADER | {"zip": "DEF"}, HEADER | {"cty": "JWT"},
        HEADER | {"jwk": {"kty": "oct", "k": "AAAA"}}, HEADER | {"jku": "https://evil.example"},
    ]),
    st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64", "x"]), values, max_size=3),
    st.sampled_from([
        ' {"alg" : "HS256"} ', '{"alg":"none","alg":"HS256"}', '{"alg":"HS256","alg":"none"}',
        "[]", "1", "null", '"HS256"', "", "{", '\ufeff{"alg":"HS256"}', "[" * 5000,
    ]),
)  # fmt: skip
claims_texts = st.sampled_from([
    "[]", "1", "null", '"x"', "", "{", "[" * 5000, '{"a":' * 5000, "\ufeff{}", "NaN",
    json.dumps(CLAIMS)[:-1] + ',"iss":"Somebody"}', '{"iss":"Somebody",' + json.dumps(CLAIMS)[1:],
])  # fmt: skip
claims = st.builds(
    lambda changed, lost: {
        name: value for name, value in (CLAIMS | changed).items() if name not in lost
    },
    changes,
    losses,
)
cases = st.builds(
    Case,
    header=mostly(st.just(HEADER), odd_headers),
    claims=mostly(claims, st.one_of(claims, claims_texts)),
    key=mostly(st.sampled_from([CURRENT, CURRENT, NEXT]), st.sampled_from([NEXT, OTHER, ""])),
    body=texts,
    signed_body=mostly(st.none(), texts),
    url=mostly(st.sampled_from([URL, None]), st.sampled_from([None, f"{URL}/", ""])),
)


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def token_of(case: Case) -> str:
    """Builds the token without PyJWT, which rejects such headers and claims."""
    claims = case.claims
    if isinstance(claims, dict):
        body = case.body if case.signed_body is None else case.signed_body
        claims = {"body": body_hash(body.encode())} | claims
    parts = (one if isinstance(one, str) else json.dumps(one) for one in (case.header, claims))
    signed = ".".join(encoded(part.encode(errors="surrogatepass")) for part in parts)
    algorithm = case.header.get("alg") if isinstance(case.header, dict) else None
    digest = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(str(algorithm), hashlib.sha256)
    return f"{signed}.{encoded(hmac.digest(case.key.encode(), signed.encode(), digest))}"


def the_sdk_accepts(signature: str, body: str, url: str | None) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            RECEIVER.verify(signature=signature.strip(), body=body, url=url)
    except Exception:  # noqa: BLE001 - the Receiver does not catch KeyError and AttributeError
        return False
    return True


def ours(signature: str, body: str, url: str | None) -> SignatureReport:
    expected = Expectation(
        keys=(("current", CURRENT), ("next", NEXT)), url=url, body=body.encode(), now=time.time()
    )
    report = verify(signature, expected)
    json.dumps([bounded(report.claims), report.checks], allow_nan=False)
    diagnose(signature, expected, report, {}, budget=SearchBudget(time.monotonic))
    return report


def agree(signature: str, body: str, url: str | None) -> bool:
    """Whether both agree. A rejection must name a failed check."""
    report = ours(signature, body, url)
    assert report.valid == the_sdk_accepts(signature, body, url), report
    assert report.valid == (not report.failed)
    assert "token" not in report.failed, report.refusal
    return report.valid


def compare(number: int) -> list[bool]:
    """Compares the verdicts on `number` tokens and returns them."""
    verdicts: list[bool] = []

    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def on_a_token(case: Case) -> None:
        verdicts.append(agree(token_of(case), case.body, case.url))

    on_a_token()
    return verdicts


def compare_damaged(number: int) -> list[bool]:
    """Like `compare`, for tokens with removed, added or replaced characters, and for any text."""
    verdicts: list[bool] = []

    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        body=texts, at=st.integers(0, 300), put=st.text(max_size=3) | st.sampled_from("=.-_ \n"),
        lost=st.integers(0, 3), from_end=st.booleans(), url=st.sampled_from([URL, None]),
        garbage=mostly(st.none(), st.text(max_size=80)),
    )  # fmt: skip
    def on_a_damaged_token(
        *, body: str, at: int, put: str, lost: int, from_end: bool, url: str | None,
        garbage: str | None,
    ) -> None:  # fmt: skip
        token = token_of(Case(HEADER, CLAIMS, CURRENT, body, None, url))
        place = max(0, len(token) - at) if from_end else at
        damaged = token[:place] + put + token[place + lost :]
        verdicts.append(agree(damaged if garbage is None else garbage, body, url))

    on_a_damaged_token()
    return verdicts


def test_both_agree_on_tokens_with_any_claims_and_headers(figures: Figures) -> None:
    verdicts = compare(800) + compare_damaged(300)

    figures("agreement with the official Receiver", cases=len(verdicts), accepted=sum(verdicts))
    assert 0.05 * len(verdicts) < sum(verdicts) < 0.95 * len(verdicts)


@pytest.mark.soak
def test_both_agree_on_ten_thousand_tokens(figures: Figures) -> None:
    verdicts = compare(10_000) + compare_damaged(5_000)

    figures("agreement with the official Receiver", cases=len(verdicts), accepted=sum(verdicts))
    assert len(verdicts) >= 15_000


@pytest.mark.parametrize(
    ("changed", "is_valid"),
    [
        ({"jti": 7}, False), ({"jti": None}, False), ({"sub": 7}, False), ({"iat": None}, False),
        ({"aud": "someone"}, False), ({"aud": ["someone"]}, False),
        ({"exp": str(NOW + DAY_S)}, True), ({"nbf": True}, True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("url", [URL, None])
def test_both_agree_on_claims_that_once_differed(
    changed: dict[str, Any], url: str | None, *, is_valid: bool
) -> None:
    token = token_of(Case(HEADER, CLAIMS | changed, CURRENT, "x", None, url))

    assert agree(token, "x", url) == is_valid


def test_no_payload_causes_an_error() -> None:
    for payload in (b"[]", b"1", b"null", b"{", b"\xff", b"[" * 100_000, b'{"exp":1e999}'):
        parts = (b'{"alg":"HS256"}', payload, b"x")
        assert not ours(".".join(encoded(part) for part in parts), "", URL).valid
    assert ours("a.b.c", "", URL).claims == {}
