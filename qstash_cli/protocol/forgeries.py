"""Forged signatures that a handler must refuse, and valid ones that it must accept.

Source: QStash docs, "Verify signatures"; RFC 8725, section 3.1, for the algorithms.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from qstash_cli.protocol.signature import LIFETIME_S, claims_of, encode_token

_OTHER_KEY = "sig_of_nobody"


class Probe(NamedTuple):
    """A request to send. `signature` may be None; `is_good` means that it must be accepted.

    `is_tolerable` means that accepting it is against the rules, but not exploitable.
    """

    name: str
    signature: str | None
    body: bytes
    is_good: bool = False
    is_tolerable: bool = False


def probes(
    *, url: str, body: bytes, current: str, following: str | None, now: float, token_id: str
) -> Iterator[Probe]:
    """Yields all probes of a handler at `url`, the forgeries first. `now` is in unix seconds."""
    claims = claims_of(url=url, body=body, now=now, token_id=token_id)

    def token(key: str, algorithm: str = "HS256", **changed: Any) -> str:
        return encode_token(claims | changed, key, algorithm)

    def bad(name: str, signature: str | None, sent: bytes = body) -> Probe:
        return Probe(name=name, signature=signature, body=sent)

    yield bad("unsigned", None)
    yield bad("no JWT", "not-a-signature")
    yield bad("another key", token(_OTHER_KEY))
    yield bad("alg none", token("", "none"))
    # Only the owner of the key can make it, and the official TypeScript SDK accepts it.
    yield bad("alg HS512", token(current, "HS512"))._replace(is_tolerable=True)
    yield bad("expired", token(current, exp=int(now) - 60, iat=int(now) - 60 - LIFETIME_S))
    yield bad("another body", token(current), body + b" ")
    yield bad("another sub", token(current, sub=f"{url}/elsewhere"))
    yield bad("another issuer", token(current, iss="Someone"))
    for name, key in (("current key", current), ("next key", following)):
        if key is not None:
            yield good_probe(name, key, url=url, body=body, now=now, token_id=token_id)


def good_probe(name: str, key: str, *, url: str, body: bytes, now: float, token_id: str) -> Probe:
    """Returns a request that a handler at `url` must accept if it has the key."""
    claims = claims_of(url=url, body=body, now=now, token_id=token_id)
    return Probe(name=name, signature=encode_token(claims, key, "HS256"), body=body, is_good=True)
