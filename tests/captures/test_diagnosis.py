"""What harmed a request is named, and never more than was tested."""

from __future__ import annotations

import gzip
import json
import time
from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.captures import body_harms, url_harms
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.signature import sign
from tests.conftest import Qstash

KEY, URL = "sig_of_the_test", "https://example.com/hook"
ORIGINAL = '{"name":"ärger","total":10.0,"path":"a/b","list":[1,2]}'.encode()
VALUE = json.loads(ORIGINAL)


def signed(url: str, body: bytes, key: str = KEY) -> str:
    return sign(key, url=url, body=body, now=time.time(), token_id="jwt_1")


BODIES = {
    "newline added": (ORIGINAL, ORIGINAL + b"\n", "a newline at its end was added"),
    "newline lost": (ORIGINAL + b"\n", ORIGINAL, "the newline at its end was lost"),
    "CRLF": (b"a\nb", b"a\r\nb", "LF became CRLF"),
    "LF": (b"a\r\nb", b"a\nb", "CRLF became LF"),
    "BOM added": (b"a", b"\xef\xbb\xbfa", "a byte order mark was added"),
    "BOM lost": (b"\xef\xbb\xbfa", b"a", "its byte order mark was lost"),
    "spacing": (ORIGINAL, json.dumps(VALUE).encode(), "parsed and written again"),
    "indented": (ORIGINAL, json.dumps(VALUE, indent=2).encode(), "parsed and written again"),
    "order": (b'{"a":1,"b":2}', b'{"b":2,"a":1}', "original had no blanks, sorted"),
    "numbers": (ORIGINAL, ORIGINAL.replace(b"10.0", b"10"), ""),
    "whole numbers": (b'{"a":1}', b'{"a":1.0}', "1.0 for 1"),
    "slashes": (b'{"a":"x\\/y"}', b'{"a":"x/y"}', "parsed and written again"),
    "escapes": (b'{"a":"\\u00e4"}', '{"a":"ä"}'.encode(), "parsed and written again"),
    "a JSON string": (ORIGINAL, json.dumps(ORIGINAL.decode()).encode(), "as a JSON string"),
    "base64": (ORIGINAL, b64encode(ORIGINAL), "it is base64 and was not decoded"),
    "form": (ORIGINAL, quote_plus(ORIGINAL).encode(), "not decoded as a form"),
    "form field": (b'{"a":1}', b"%7B%22a%22%3A1%7D=", "read it as a name"),
    "decoded form": (b"a=1+2&b=x%2Cy", b"a=1 2&b=x,y", "a form was"),
    "gzip": (ORIGINAL, gzip.compress(ORIGINAL), "it is gzip and was not unpacked"),
    "latin-1": (ORIGINAL, ORIGINAL.decode().encode("latin-1"), "UTF-8 was written as latin-1"),
    "mojibake": (ORIGINAL, ORIGINAL.decode("latin-1").encode(), "read as latin-1"),
    "repr": (ORIGINAL, repr(ORIGINAL).encode(), "repr of bytes"),
    "two harms": (ORIGINAL + b"\n", b64encode(ORIGINAL), "lost, and then it is base64"),
    "empty": (b"", b"x", "the signed body is empty"),
    "cut": (b"x" * 5000, b"x" * 4096, "may have been cut (not proven)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_the_harm_of_a_body_is_named(qstash: Qstash, name: str) -> None:
    original, captured, words = BODIES[name]

    run = qstash("verify", "--signature", signed(URL, original), "--body", "-", "--url", URL,
                 "--current-key", KEY, "-o", "json", stdin=captured)  # fmt: skip

    assert run.code == 7, run
    if not words:
        # Only one of several numbers changed: nothing known explains that, and nothing is said.
        assert run.json["findings"] == []
        return
    (finding,) = run.json["findings"]
    assert finding["check"] == "body"
    assert words in finding["what"]
    assert finding["what"] in run.err


URLS = (
    ("http://example.com/hook", "the scheme is http, and https was signed"),
    ("https://example.com:8443/hook", "the port is 8443"),
    ("https://example.com/hook/", "the slash at the end"),
    ("https://EXAMPLE.com/hook", "the host is written in other letters"),
    ("https://example.com/prod/hook", "the prefix /prod of the path was not signed"),
    ("https://example.com/%68ook", "percent-encoded in another way"),
    ("https://other.example/hook", "the host is other.example, and example.com was signed"),
    ("https://example.com/hook?a=1", "the query a=1 was not signed"),
    ("https://example.com/other", "the path is /other, and /hook was signed"),
)


@pytest.mark.parametrize(("url", "words"), URLS)
def test_the_difference_of_a_url_is_named(qstash: Qstash, url: str, words: str) -> None:
    run = qstash("verify", "--signature", signed(URL, b""), "--body", "", "--url", url,
                 "--current-key", KEY, "-o", "json")  # fmt: skip

    assert run.code == 7, run
    (finding,) = run.json["findings"]
    assert (finding["check"], words in finding["what"]) == ("sub", True), finding
    assert finding["fix"]


@pytest.mark.parametrize(
    ("url", "words"),
    [("?b=2&a=1", "another order"), ("", "is missing"), ("?a=1&b=%32", "percent-encoded")],
)
def test_the_difference_of_a_query_is_named(url: str, words: str) -> None:
    (finding,) = url_harms.find(f"{URL}{url}", f"{URL}?a=1&b=2")

    assert words in finding.what


def test_the_key_that_signed_is_found_elsewhere(qstash: Qstash) -> None:
    def findings(signature: str, key: str, **env: Any) -> str:
        run = qstash("verify", "--signature", signature, "--current-key", key, "-o", "json", **env)
        assert run.code == 7, run
        assert key not in run.out + run.err
        return " ".join(finding["what"] for finding in run.json["findings"])

    dev = signed(URL, b"", DEV_USER.current_signing_key)
    assert "the development server's current key signed it" in findings(dev, "sig_other")
    other = {"US_EAST_1_QSTASH_CURRENT_SIGNING_KEY": KEY}
    assert "current key of US_EAST_1 signed it" in findings(signed(URL, b""), "sig_o", **other)
    assert "looks like a token" in findings(signed(URL, b""), DEV_USER.token)
    assert "no signing key" in findings(signed(URL, b""), "hunter2")
    assert findings(signed(URL, b""), "sig_other") == "no key that is known here signed it"


def test_a_region_has_its_own_keys(qstash: Qstash) -> None:
    keys: dict[str, Any] = {"US_EAST_1_QSTASH_CURRENT_SIGNING_KEY": KEY}
    command = ("verify", "--signature", signed(URL, b""))

    assert qstash(*command, "--region", "us-east-1", **keys).code == 0
    assert qstash(*command, "--region", "eu-central-1", **keys).code == 3


def test_the_claims_are_shown_with_readable_times(qstash: Qstash) -> None:
    signature = sign(KEY, url=URL, body=b"", now=1_700_000_000, token_id="jwt_1")

    run = qstash("verify", "--signature", signature, "--current-key", KEY, "--claims",
                 "-o", "tsv", "--columns", "iss,sub,iat,exp")  # fmt: skip

    assert run.out == f"Upstash\t{URL}\t2023-11-14T22:13:20Z\t2023-11-14T22:18:20Z\n"


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
def test_a_body_that_nothing_explains_gets_no_finding(body: bytes, other_hash: bytes) -> None:
    assert body_harms.find(body, other_hash) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_url_breaks_the_diagnosis(url: str, signed_url: str) -> None:
    for finding in url_harms.find(url, signed_url):
        assert finding.what
