"""`listen` under signatures and bodies made to break the check: each gets a response and a line."""

from __future__ import annotations

import itertools

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import plain_http
from tests.e2e.conftest import Listen
from tests.figures import Figures
from tests.trust.test_signature_rules import CLAIMS, HEADER, made


def signed(**claims: object) -> str:
    return made(HEADER, CLAIMS | claims, DEV_USER.current_signing_key)


TOKENS = {
    "a negative exp of 400 digits": signed(exp=-int("9" * 400)),
    "an exp of 400 digits": signed(exp=int("9" * 400)),
    "an exp of 5,000 digits": made(HEADER, f'{{"exp":{"9" * 5000}}}', DEV_USER.current_signing_key),
    "an infinite nbf": signed(nbf=float("inf")),
    "a nbf that is not a number": signed(nbf=float("nan")),
    "an exp that is a list": signed(exp=[[]]),
    "a body claim that is an object": signed(body={}),
    "claims that are a list": made(HEADER, "[1]", DEV_USER.current_signing_key),
    "deep claims": made(HEADER, "[" * 20_000, DEV_USER.current_signing_key),
    "no token": "a.b.c",
    "bytes that are not text": "\xff.\xfe.\xfd",
    "30,000 parts": "x." * 30_000,
}
# The search for what changed such a body takes until its limit of 2 s.
SLOW_BODIES = {
    "500 nested lists": b"[" * 500 + b"]" * 500,
    "500 nested objects": b'{"a":' * 500 + b"1" + b"}" * 500,
}
BODIES = {
    "20,000 open lists": b"[" * 20_000,
    "not UTF-8": b"\xff\xfe{",
    "a lone surrogate": rb'{"a":"\ud800"}',
    "a number of 5,000 digits": b"1" * 5000,
    "a callback of wrong types": b'{"status":[],"body":{},"sourceMessageId":1,"header":"x"}',
}
# One token with a valid signature suffices for the slow bodies.
ATTACKS = (
    *itertools.product(TOKENS.items(), BODIES.items()),
    *itertools.product([next(iter(TOKENS.items()))], SLOW_BODIES.items()),
)


def test_no_signature_or_body_ends_listen(listen: Listen, figures: Figures) -> None:
    listener = listen("--dev")
    lost = []
    with plain_http.Client(timeout=30) as client:
        for (token_name, token), (body_name, body) in ATTACKS:
            headers = [(b"Upstash-Signature", token.encode("latin-1"))]
            response = client.post(f"{listener.url}/hook", content=body, headers=headers)
            record = listener.record()
            if (
                response.status_code != 200
                or record["signature"] not in {"invalid", "unchecked"}
                or not record["reason"]
            ):
                lost.append((token_name, body_name, record))

    figures("listen, attacks", cases=len(ATTACKS), failures=len(lost))
    assert lost == []
    assert listener.stop() == ""
