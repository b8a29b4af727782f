"""`verify` and the official SDK's Receiver agree on ten thousand captures."""

from __future__ import annotations

import json
import time
import warnings
from base64 import urlsafe_b64encode
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt import api_jws
from qstash import Receiver
from qstash.errors import SignatureError

from qstash_cli.protocol.claim_checks import Expectation, body_hash
from qstash_cli.protocol.signature import SignatureReport, check

CURRENT, NEXT, OTHER = "sig_current" * 3, "sig_next" * 5, "sig_other" * 4
URL = "https://example.com/hook"
NOW = int(time.time())
RECEIVER = Receiver(CURRENT, NEXT)

# Where we leave the SDK, and why: blanks around a signature are no part of it, since no blank
# around a header's value is (RFC 9110, section 5.5). The SDK is given the signature without them.

bodies = st.text(max_size=12)
times = st.sampled_from([-1000, -301, -5, 0, 5, 301, 1000]).map(lambda s: NOW + 60 * s)
claims = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.sampled_from(["Upstash"] * 8 + ["upstash", "", None]),
        "sub": st.sampled_from([URL] * 8 + [f"{URL}/", "", "https://example.com"]),
        "exp": st.one_of(st.just(NOW + 3600), st.just(NOW + 3600), times),
        "nbf": st.one_of(st.just(0), st.just(0), times),
        "iat": st.one_of(st.just(NOW - 60), st.just(NOW - 60), times),
        "jti": st.just("jwt_1"),
    },
)
complete = st.just(
    {"iss": "Upstash", "sub": URL, "exp": NOW + 3600, "nbf": 0, "iat": NOW - 60, "jti": "jwt_1"}
)
algorithms = st.sampled_from(["HS256"] * 10 + ["HS384", "HS512", "none"])
keys = st.sampled_from([CURRENT] * 4 + [NEXT] * 3 + [OTHER])


def encoded(payload: dict[str, Any], key: str, algorithm: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = json.dumps(payload).encode()
        return api_jws.encode(text, "" if algorithm == "none" else key, algorithm=algorithm)


def the_sdk_accepts(signature: str, body: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            RECEIVER.verify(signature=signature.strip(), body=body, url=URL)
    except SignatureError:
        return False
    return True


def ours(signature: str, body: str) -> SignatureReport:
    return check(
        signature,
        Expectation(
            keys=(("current", CURRENT), ("next", NEXT)),
            url=URL,
            body=body.encode(),
            now=time.time(),
        ),
    )


@settings(max_examples=8_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    payload=st.one_of(complete, complete, claims), body=bodies, key=keys, algorithm=algorithms,
    hash_of=st.one_of(st.none(), st.none(), bodies), unpadded=st.booleans(),
)  # fmt: skip
def test_both_say_the_same_of_a_token(  # noqa: PLR0917 - what a capture is made of
    payload: dict[str, Any], body: str, key: str, algorithm: str, hash_of: str | None,
    unpadded: bool,
) -> None:  # fmt: skip
    digest = body_hash((body if hash_of is None else hash_of).encode())
    signature = encoded(
        payload | {"body": digest.rstrip("=") if unpadded else digest}, key, algorithm
    )

    report = ours(signature, body)

    assert report.valid == the_sdk_accepts(signature, body), report
    assert algorithm == "HS256" or not report.valid


@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=bodies, at=st.integers(0, 300), put=st.text(max_size=3), lost=st.integers(0, 3),
    garbage=st.one_of(st.none(), st.none(), st.text(max_size=80)),
)  # fmt: skip
def test_both_say_the_same_of_a_damaged_token(
    body: str, at: int, put: str, lost: int, garbage: str | None
) -> None:
    payload = {"iss": "Upstash", "sub": URL, "exp": NOW + 3600, "nbf": 0, "iat": NOW - 60}
    whole = encoded(payload | {"body": body_hash(body.encode())}, CURRENT, "HS256")
    signature = whole[:at] + put + whole[at + lost :] if garbage is None else garbage

    assert ours(signature, body).valid == the_sdk_accepts(signature, body)


def test_no_payload_breaks_the_check() -> None:
    for payload in (b"[]", b"1", b"null", b"{", b"\xff", b"[" * 100_000, b'{"exp":1e999}'):
        parts = (b'{"alg":"HS256"}', payload, b"x")
        token = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        assert not ours(token, "").valid
    assert json.dumps(ours("a.b.c", "").claims) == "{}"
