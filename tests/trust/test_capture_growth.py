"""The run time of `verify` is linear in the size of a capture, in every format."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from qstash_cli.protocol.signature import sign
from tests.figures import Figures
from tests.in_process import Qstash
from tests.trust.growth import MAX_RATIO, growth

KEY, URL = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r", "https://example.com/hook"
CHUNKED = "Transfer-Encoding: chunked"

Build = Callable[[int], bytes]


def signature(body: bytes) -> str:
    return sign(KEY, url=URL, body=body, now=time.time(), token_id="jwt_1", lifetime_s=9_000)


def raw(body: bytes, *more: str, sent: bytes | None = None) -> bytes:
    head = ["POST /hook HTTP/1.1", "Host: example.com", f"Upstash-Signature: {signature(body)}"]
    return "\r\n".join([*head, *more, "", ""]).encode() + (body if sent is None else sent)


def raw_in_chunks(n: int) -> bytes:
    return raw(b"x" * n, CHUNKED, sent=b"1\r\nx\r\n" * n + b"0\r\n\r\n")


def curl(body: str, quoted: str) -> bytes:
    return f"curl {URL} -H 'Upstash-Signature: {signature(body.encode())}' -d {quoted}".encode()


def dump(body: object, **more: Any) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
    headers = {"Upstash-Signature": signature(text.encode())}
    return json.dumps({"url": URL, "headers": headers, "body": body} | more).encode()


def har(n: int, text: str = "x") -> bytes:
    headers = [{"name": "Upstash-Signature", "value": signature(text.encode())}]
    request = {"url": URL, "method": "POST", "headers": headers, "postData": {"text": text}}
    return json.dumps({"log": {"entries": [{"request": request}] * n}}).encode()


FORMATS: dict[str, dict[str, Build]] = {
    "raw HTTP": {
        "one body": lambda n: raw(b"x" * n),
        "chunks of 1 byte": raw_in_chunks,
        "chunks that do not end": lambda n: raw_in_chunks(n)[:-5],
        "blank lines for chunks": lambda n: raw(b"", CHUNKED, sent=b"\r\n" * n),
        "chunk extensions": lambda n: raw(b"", CHUNKED, sent=b"1;" + b"a=b;" * n),
        "headers": lambda n: raw(b"", *(f"X-{i % 9}: value" for i in range(n))),
        "blanks before it": lambda n: b" " * n + raw(b""),
        "a target that does not end": lambda n: b"POST /" + b"x " * n,
    },
    "curl": {
        "one body": lambda n: curl("x" * n, f"'{'x' * n}'"),
        "quotes in a body": lambda n: curl("'" * n, "''" + "\\'''" * n),
        "ANSI-C quotes": lambda n: curl("é\n" * n, "$'" + "\\u00e9\\n" * n + "'"),
        "double quotes": lambda n: curl('"' * n, '"' + '\\"' * n + '"'),
        "plain characters": lambda n: curl("x" * n, "x" * n),
        "escaped characters": lambda n: curl("$" * n, "\\$" * n),
        "words": lambda n: curl("x", "x" + " --compressed" * n),
        "a quote that is not closed": lambda n: curl("x", "'" + "x" * n),
        "escapes in a quote that is not closed": lambda n: curl("x", "$'" + "\\x" * n),
    },
    "HAR": {
        "one body": lambda n: har(1, "x" * n),
        "entries": har,
    },
    "JSON": {
        "one body": lambda n: dump("x" * n),
        "a body of objects": lambda n: dump([{"a": [1, "x"]}] * n),
        "a body that is a Buffer": lambda n: dump({"type": "Buffer", "data": [120] * n}),
        "names and values of headers": lambda n: dump("x", headers=None, rawHeaders=["a", "b"] * n),
        "captures in nested lists": lambda n: b"[" * 200 + b",".join([dump("x")] * n) + b"]" * 200,
        "lists in lists": lambda n: b"[" + b",".join([b"[[[[1]]]]"] * n) + b"]",
        "the query of an event": lambda n: dump(
            "x",
            requestContext={"domainName": "example.com"},
            path="/hook",
            multiValueQueryStringParameters={"q": ["a b"] * n},
        ),
    },
    "JSONL": {
        "lines": lambda n: b"\n".join([dump("x")] * n),
        "one long line": lambda n: dump("x" * n),
        "one line with a body of objects": lambda n: dump([{"a": 1}] * n),
        "empty lines": lambda n: b"\n" * n + dump("x"),
        "lines that are not JSON": lambda n: b"{\n" * n,
    },
}


@pytest.mark.parametrize("name", FORMATS)
def test_run_time_is_linear_in_the_size_of_the_capture(
    qstash: Qstash, figures: Figures, name: str
) -> None:
    # A search budget of zero, so that only parsing is measured.
    qstash.now = itertools.count(int(time.time()), 2).__next__
    source = "--jsonl" if name == "JSONL" else "--request"

    def verify(data: bytes) -> None:
        run = qstash("verify", source, "-", "--current-key", KEY, stdin=data)
        assert run.code in {0, 2, 7}, run

    ratios = {kind: growth(build, verify) for kind, build in FORMATS[name].items()}

    worst = max(ratios, key=lambda kind: ratios[kind])
    figures(f"growth of {name}", cases=len(ratios), worst=f"{ratios[worst]:.1f} ({worst})")
    assert {kind: r for kind, r in ratios.items() if r > MAX_RATIO} == {}
