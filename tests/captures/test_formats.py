"""One signed request in every format in which it may be captured."""

from __future__ import annotations

import gzip
import json
import shlex
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstash_cli.captures.recognise import recognise
from qstash_cli.errors import BadInput
from qstash_cli.protocol.signature import sign
from tests.in_process import Qstash

KEY, URL, BODY = (
    "sig_of_the_test",
    "https://example.com/hook?a=1&b=%20",
    b'{"id": 1, "n": "\xc3\xb6"}',
)
SIGNATURE = sign(KEY, url=URL, body=BODY, now=time.time(), token_id="jwt_1", lifetime_s=86_400)
TEXT = BODY.decode()
HEADERS = {"Host": "example.com", "Upstash-Signature": SIGNATURE, "X-Forwarded-Proto": "https"}
LISTS = {name: [value] for name, value in HEADERS.items()}
RECORDS = [{"name": name, "value": value} for name, value in HEADERS.items()]
CHUNKED = b"5\r\n" + BODY[:5] + b"\r\n" + f"{len(BODY) - 5:x}".encode() + b";x=y\r\n"
CHUNKED += BODY[5:] + b"\r\n0\r\n\r\n"


def raw(end: bytes, *more: bytes, body: bytes = BODY) -> bytes:
    lines = [b"POST /hook?a=1&b=%20 HTTP/1.1"]
    lines += [f"{name}: {value}".encode() for name, value in HEADERS.items()]
    return end.join([*lines, *more, b"", b""]) + body


def dump(**fields: Any) -> bytes:
    return json.dumps({"method": "POST", "url": URL} | fields).encode()


QUERY = {"a": "1", "b": " "}
V2 = {
    "version": "2.0", "rawPath": "/hook", "rawQueryString": "a=1&b=%20", "headers": HEADERS,
    "requestContext": {"domainName": "example.com", "http": {"method": "POST"}},
    "body": b64encode(BODY).decode(), "isBase64Encoded": True,
}  # fmt: skip
V1 = {
    "path": "/hook", "httpMethod": "POST", "headers": HEADERS, "multiValueHeaders": LISTS,
    "requestContext": {"path": "/hook", "stage": "prod"}, "body": TEXT, "isBase64Encoded": False,
}  # fmt: skip
ALB = {
    "requestContext": {"elb": {"targetGroupArn": "x"}}, "httpMethod": "POST", "path": "/hook",
    "queryStringParameters": {"a": "1", "b": "%20"}, "headers": HEADERS, "body": TEXT,
    "isBase64Encoded": False,
}  # fmt: skip
HAR = {
    "log": {
        "entries": [
            {"request": {"method": "POST", "url": URL, "headers": RECORDS,
                         "postData": {"mimeType": "application/json", "text": TEXT}}}
        ]
    }
}  # fmt: skip
CURL = f"curl {shlex.quote(URL)} \\\n  -X POST -H 'Upstash-Signature: {SIGNATURE}' --compressed "
CAPTURES: dict[str, bytes] = {
    "raw with CRLF": raw(b"\r\n"),
    "raw with LF": raw(b"\n"),
    "raw with a length and a trailing line end": raw(
        b"\n", f"Content-Length: {len(BODY)}".encode(), body=BODY + b"\n"
    ),
    "raw and chunked": raw(b"\r\n", b"Transfer-Encoding: chunked", body=CHUNKED),
    "raw and unchunked by a proxy": raw(b"\r\n", b"Transfer-Encoding: chunked"),
    "HAR": json.dumps(HAR).encode(),
    "API Gateway v2": json.dumps(V2).encode(),
    "ALB": json.dumps(ALB).encode(),
    "Netlify": json.dumps(
        {"rawUrl": URL, "httpMethod": "POST", "headers": HEADERS, "body": TEXT,
         "isBase64Encoded": False}
    ).encode(),
    "an object of headers": dump(headers=HEADERS, body=TEXT),
    "lists of values": dump(headers=LISTS, body=TEXT),
    "pairs": dump(headers=list(HEADERS.items()), body=TEXT),
    "names and values": dump(headers=RECORDS, body=TEXT),
    "raw headers of Node": dump(rawHeaders=[x for p in HEADERS.items() for x in p], body=TEXT),
    "a Buffer": dump(headers=HEADERS, body={"type": "Buffer", "data": list(BODY)}),
    "base64": dump(headers=HEADERS, bodyBase64=b64encode(BODY).decode()),
    "webhook.site": dump(uuid="1", type="web", headers=LISTS, content=TEXT),
    "only a path, as in Node": dump(
        url="/hook?a=1&b=%20", headers=HEADERS, body=TEXT
    ),
    "a list of captures": json.dumps(
        {"data": [json.loads(dump(uuid="1", headers=LISTS, content=TEXT))]}
    ).encode(),
    "signature, URL and body": dump(signature=SIGNATURE, body=TEXT),
    "curl": (CURL + f"--data-raw {shlex.quote(TEXT)}").encode(),
    "curl with ANSI quotes": (CURL + "--data-raw $'{\"id\": 1, \"n\": \"\\u00f6\"}'").encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_is_recognised_and_verified(qstash: Qstash, tmp_path: Path, name: str) -> None:
    file = tmp_path / "capture"
    file.write_bytes(CAPTURES[name])

    run = qstash("verify", "--request", str(file), "--current-key", KEY, "-o", "json")

    assert run.code == 0, run
    assert run.json["url"] == URL
    assert run.json["key"] == "current"


def test_the_stage_of_a_gateway_is_part_of_the_url() -> None:
    event = V1 | {"path": "/hook", "requestContext": {"path": "/prod/hook", "stage": "prod"}}
    event |= {"multiValueQueryStringParameters": {"a": ["1", "2"]}}

    (found,) = recognise(json.dumps(event).encode())

    assert found.url == "https://example.com/prod/hook?a=1&a=2"


def test_an_unknown_format_is_refused_with_the_list_of_known_formats(qstash: Qstash) -> None:
    for data in (b"", b"hello", b"{}", b"[1]", b"\xff\xfe", gzip.compress(BODY)):
        run = qstash("verify", "--request", "-", "--current-key", KEY, stdin=data)
        assert run.code == 2, run
        assert "known formats: raw HTTP, HAR, API Gateway" in run.err


def test_a_capture_with_several_entries_verifies_all_or_one_of_them(qstash: Qstash) -> None:
    other = {"request": HAR["log"]["entries"][0]["request"] | {"url": f"{URL}&c=1"}}
    har = json.dumps({"log": {"entries": [*HAR["log"]["entries"], other]}}).encode()
    command = ("verify", "--request", "-", "--current-key", KEY)

    every = qstash(*command, "--columns", "number,valid,failed", stdin=har)

    assert (every.code, every.out) == (7, "1\ttrue\t\n2\tfalse\tsub\n")
    assert "1 of 2 signatures is valid" in every.err
    assert qstash(*command, "--entry", "1", stdin=har).code == 0
    assert qstash(*command, "--entry", "2", stdin=har).code == 7
    assert qstash(*command, "--entry", "3", stdin=har).code == 2


def test_every_line_of_thousands_gets_a_result(qstash: Qstash, tmp_path: Path) -> None:
    good, bad = dump(headers=HEADERS, body=TEXT), dump(headers=HEADERS, body="other")
    file = tmp_path / "captures.jsonl"
    file.write_bytes(b"\n".join([good] * 1000 + [bad, b"{", b'{"url": "x"}', dump(headers={})]))

    run = qstash("verify", "--jsonl", str(file), "--current-key", KEY, "-o", "jsonl")

    records = [json.loads(line) for line in run.out.splitlines()]
    assert run.code == 7
    assert sum(record["valid"] for record in records) == 1000
    assert [record["error"] for record in records[1001:]] == [
        "line 1002 is not JSON",
        "line 1003 is in no known format",
        "no Upstash-Signature header",
    ]
    assert "1000 of 1004 signatures are valid" in run.err


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["headers", "body", "url", "request", "log", "entries", "requestContext", "data",
             "postData", "isBase64Encoded", "httpMethod", "rawHeaders", "signature", "type",
             "multiValueHeaders", "queryStringParameters", "http", "name", "value"]
        ),
        inner, max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=300), json_values.map(lambda v: json.dumps(v).encode())))
def test_malformed_captures_are_refused_without_a_crash(data: bytes) -> None:
    try:
        found = recognise(data)
    except BadInput:
        return
    assert all(isinstance(one.body, bytes | None) for one in found)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(CAPTURES)), st.integers(0, 2000), st.binary(max_size=4),
    st.integers(0, 40),
)  # fmt: skip
def test_damaged_captures_are_refused_without_a_crash(
    name: str, at: int, put: bytes, lost: int
) -> None:
    data = CAPTURES[name]
    try:
        found = recognise(data[:at] + put + data[at + lost :])
    except BadInput:
        return
    assert all(isinstance(one.body, bytes | None) for one in found)
