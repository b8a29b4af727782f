"""A diagnosis names the change to a request, and only a change that is proven."""

from __future__ import annotations

import gzip
import json
import time
from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstash_cli.captures import body_mismatch, search_budget, url_mismatch
from qstash_cli.captures.search_budget import SearchBudget
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.signature import sign
from tests.in_process import Qstash

KEY, URL = "sig_of_the_test", "https://example.com/hook"
ORIGINAL = '{"name":"ärger","total":10.0,"path":"a/b","list":[1,2]}'.encode()
VALUE = json.loads(ORIGINAL)


def signed(url: str, body: bytes, key: str = KEY) -> str:
    return sign(key, url=url, body=body, now=time.time(), token_id="jwt_1")


@pytest.fixture
def patient_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search for a cause has time on a busy machine."""
    monkeypatch.setattr(search_budget, "SECONDS_PER_CAPTURE", 600.0)


BODIES = {
    "newline added": (ORIGINAL, ORIGINAL + b"\n", "a trailing newline was added"),
    "newline lost": (ORIGINAL + b"\n", ORIGINAL, "the trailing newline was removed"),
    "CRLF": (b"a\nb", b"a\r\nb", "LF was converted to CRLF"),
    "LF": (b"a\r\nb", b"a\nb", "CRLF was converted to LF"),
    "BOM added": (b"a", b"\xef\xbb\xbfa", "a byte order mark was added"),
    "BOM lost": (b"\xef\xbb\xbfa", b"a", "the byte order mark was removed"),
    "spacing": (ORIGINAL, json.dumps(VALUE).encode(), "the JSON was re-serialized"),
    "indented": (ORIGINAL, json.dumps(VALUE, indent=2).encode(), "the JSON was re-serialized"),
    "order": (b'{"a":1,"b":2}', b'{"b":2,"a":1}', "the original has no spaces"),
    "numbers": (ORIGINAL, ORIGINAL.replace(b"10.0", b"10"), ""),
    "whole numbers": (b'{"a":1}', b'{"a":1.0}', "1 in place of 1.0"),
    "slashes": (b'{"a":"x\\/y"}', b'{"a":"x/y"}', "the JSON was re-serialized"),
    "escapes": (b'{"a":"\\u00e4"}', '{"a":"ä"}'.encode(), "the JSON was re-serialized"),
    "a JSON string": (ORIGINAL, json.dumps(ORIGINAL.decode()).encode(), "encoded as a JSON string"),
    "base64": (ORIGINAL, b64encode(ORIGINAL), "the body is still base64-encoded"),
    "form": (ORIGINAL, quote_plus(ORIGINAL).encode(), "the body is still form-encoded"),
    "form field": (b'{"a":1}', b"%7B%22a%22%3A1%7D=", "treated the body as a field name"),
    "decoded form": (b"a=1+2&b=x%2Cy", b"a=1 2&b=x,y", "a form-encoded body was"),
    "gzip": (ORIGINAL, gzip.compress(ORIGINAL), "the body is still gzip-compressed"),
    "latin-1": (ORIGINAL, ORIGINAL.decode().encode("latin-1"), "re-encoded from UTF-8 to latin-1"),
    "mojibake": (ORIGINAL, ORIGINAL.decode("latin-1").encode(), "UTF-8 was decoded as latin-1"),
    "repr": (ORIGINAL, repr(ORIGINAL).encode(), "repr of a bytes object"),
    "two changes": (ORIGINAL + b"\n", b64encode(ORIGINAL), "then the body is still base64"),
    "empty": (b"", b"x", "the signed body is empty"),
    "cut": (b"x" * 5000, b"x" * 4096, "may have been truncated (not proven)"),
}  # fmt: skip


@pytest.mark.usefixtures("patient_search")
@pytest.mark.parametrize("name", BODIES)
def test_a_change_to_the_body_is_diagnosed(qstash: Qstash, name: str) -> None:
    original, captured, expected = BODIES[name]

    run = qstash("verify", "--signature", signed(URL, original), "--body", "-", "--url", URL,
                 "--current-key", KEY, "-o", "json", stdin=captured)  # fmt: skip

    assert run.code == 7, run
    if not expected:
        # Only one of several numbers changed: no known change explains that.
        assert run.json["findings"] == []
        return
    (finding,) = run.json["findings"]
    assert finding["check"] == "body"
    assert expected in finding["what"]
    assert finding["what"] in run.err


URLS = (
    ("http://example.com/hook", "the scheme is http, but https was signed"),
    ("https://example.com:8443/hook", "the port is 8443"),
    ("https://example.com/hook/", "the trailing slash"),
    ("https://EXAMPLE.com/hook", "the host is spelled differently"),
    ("https://example.com/prod/hook", "the prefix /prod of the path was not signed"),
    ("https://example.com/%68ook", "percent-encoded differently"),
    ("https://other.example/hook", "the host is other.example, but example.com was signed"),
    ("https://example.com/hook?a=1", "the query a=1 was not signed"),
    ("https://example.com/other", "the path is /other, but /hook was signed"),
)


@pytest.mark.usefixtures("patient_search")
@pytest.mark.parametrize(("url", "expected"), URLS)
def test_a_difference_in_the_url_is_diagnosed(qstash: Qstash, url: str, expected: str) -> None:
    run = qstash("verify", "--signature", signed(URL, b""), "--body", "", "--url", url,
                 "--current-key", KEY, "-o", "json")  # fmt: skip

    assert run.code == 7, run
    (finding,) = run.json["findings"]
    assert (finding["check"], expected in finding["what"]) == ("sub", True), finding
    assert finding["fix"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [("?b=2&a=1", "another order"), ("", "is missing"), ("?a=1&b=%32", "percent-encoded")],
)
def test_a_difference_in_the_query_is_diagnosed(url: str, expected: str) -> None:
    (finding,) = url_mismatch.find(f"{URL}{url}", f"{URL}?a=1&b=2")

    assert expected in finding.what


@pytest.mark.usefixtures("patient_search")
def test_the_signing_key_is_found_among_other_known_keys(qstash: Qstash) -> None:
    def findings(signature: str, key: str, **env: Any) -> str:
        run = qstash("verify", "--signature", signature, "--current-key", key, "-o", "json", **env)
        assert run.code == 7, run
        assert key not in run.out + run.err
        return " ".join(finding["what"] for finding in run.json["findings"])

    dev = signed(URL, b"", DEV_USER.current_signing_key)
    assert "signed with the development server's current key" in findings(dev, "sig_other")
    other = {"US_EAST_1_QSTASH_CURRENT_SIGNING_KEY": KEY}
    assert "the current key of US_EAST_1" in findings(signed(URL, b""), "sig_o", **other)
    assert "is a token" in findings(signed(URL, b""), DEV_USER.token)
    assert "not a signing key" in findings(signed(URL, b""), "hunter2")
    unknown = "the token is not signed with any known key"
    assert findings(signed(URL, b""), "sig_other") == unknown


def test_a_region_has_its_own_keys(qstash: Qstash) -> None:
    keys: dict[str, Any] = {"US_EAST_1_QSTASH_CURRENT_SIGNING_KEY": KEY}
    command = ("verify", "--signature", signed(URL, b""))

    assert qstash(*command, "--region", "us-east-1", **keys).code == 0
    assert qstash(*command, "--region", "eu-central-1", **keys).code == 3


def test_claims_are_printed_with_readable_times(qstash: Qstash) -> None:
    signature = sign(KEY, url=URL, body=b"", now=1_700_000_000, token_id="jwt_1")

    run = qstash("verify", "--signature", signature, "--current-key", KEY, "--claims",
                 "-o", "tsv", "--columns", "iss,sub,iat,exp")  # fmt: skip

    assert run.out == f"Upstash\t{URL}\t2023-11-14T22:13:20Z\t2023-11-14T22:18:20Z\n"


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=200), st.binary(min_size=32, max_size=32))
def test_a_body_without_a_known_change_gets_no_diagnosis(body: bytes, other_hash: bytes) -> None:
    assert body_mismatch.find(body, other_hash, SearchBudget(lambda: 0)) is None


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_pair_of_urls_can_be_diagnosed(url: str, signed_url: str) -> None:
    for finding in url_mismatch.find(url, signed_url):
        assert finding.what
