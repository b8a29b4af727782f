"""Captures from real use: sessions with other requests, and lost bodies."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from qstash_cli.protocol.signature import sign
from tests.in_process import Qstash, Run

KEY, URL, BODY = "sig_of_the_test", "https://example.com/hook", '{"id":1}'


def headers(body: str = BODY) -> dict[str, str]:
    token = sign(
        KEY, url=URL, body=body.encode(), now=time.time(), token_id="jwt_1", lifetime_s=86_400
    )
    return {"Upstash-Signature": token}


def entry(**request: Any) -> dict[str, Any]:
    named = [{"name": name, "value": value} for name, value in request.pop("headers", {}).items()]
    return {"request": {"method": "POST", "url": URL, "headers": named} | request}


def har(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"log": {"entries": entries}}).encode()


SIGNED = entry(headers=headers(), postData={"text": BODY})
ORDINARY = entry(method="GET", headers={"Accept": "*/*"})


def verified(qstash: Qstash, data: bytes, *more: str) -> Run:
    return qstash("verify", "--request", "-", "--current-key", KEY, *more, stdin=data)


def test_requests_without_a_signature_are_skipped_and_counted(qstash: Qstash) -> None:
    run = verified(qstash, har(ORDINARY, SIGNED, ORDINARY), "--columns", "number,valid")

    assert (run.code, run.out) == (0, "2\ttrue\n"), run
    assert "skipped 2 requests without a signature" in run.err
    assert "1 of 1 signature is valid" in run.err
    assert verified(qstash, har(ORDINARY, SIGNED), "--entry", "2").code == 0


def test_an_invalid_signature_among_ordinary_requests_still_fails(qstash: Qstash) -> None:
    bad = entry(headers=headers("other"), postData={"text": BODY})

    run = verified(qstash, har(ORDINARY, SIGNED, bad), "--columns", "number,valid")

    assert (run.code, run.out) == (7, "2\ttrue\n3\tfalse\n"), run
    assert "skipped 1 request without a signature" in run.err
    assert "1 of 2 signatures is valid" in run.err


@pytest.mark.parametrize("entries", [(ORDINARY,), (ORDINARY, ORDINARY)])
def test_a_capture_without_any_signature_is_an_error(
    qstash: Qstash, entries: tuple[dict[str, Any], ...]
) -> None:
    run = verified(qstash, har(*entries))

    assert (run.code, run.out) == (2, ""), run
    assert "signature" in run.err.lower()


def test_the_region_is_that_of_the_signed_requests(qstash: Qstash) -> None:
    signed = entry(headers=headers() | {"Upstash-Region": "US-EAST-1"}, postData={"text": BODY})
    keys: dict[str, Any] = {
        "QSTASH_REGION": "EU_CENTRAL_1",
        "EU_CENTRAL_1_QSTASH_CURRENT_SIGNING_KEY": "sig_of_another_region",
        "US_EAST_1_QSTASH_CURRENT_SIGNING_KEY": KEY,
    }

    run = qstash("verify", "--request", "-", stdin=har(ORDINARY, signed), **keys)

    assert run.code == 0, run


EMPTY = {
    "flags": ("--signature", headers()["Upstash-Signature"], "--body", "", "--url", URL),
    "raw HTTP": f"POST /hook HTTP/1.1\r\nHost: example.com\r\nUpstash-Signature: "
    f"{headers()['Upstash-Signature']}\r\nContent-Length: 0\r\n\r\n",
    "JSON": json.dumps({"url": URL, "headers": headers(), "body": ""}),
    "null": json.dumps({"url": URL, "headers": headers(), "body": None}),
    "HAR": har(entry(headers=headers())).decode(),
    "curl": f"curl {URL} -H 'Upstash-Signature: {headers()['Upstash-Signature']}' -d ''",
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_body_is_reported_with_the_fix_for_common_frameworks(
    qstash: Qstash, name: str
) -> None:
    given = EMPTY[name]
    run = (
        verified(qstash, given.encode())
        if isinstance(given, str)
        else qstash("verify", *given, "--current-key", KEY)
    )

    assert run.code == 7, run
    assert "the body is empty: a body parser may have consumed it" in run.err
    for framework in ("Express", "Next.js", "FastAPI", "Flask", "Django"):
        assert framework in run.err


def test_a_signed_empty_body_is_valid(qstash: Qstash) -> None:
    empty = json.dumps({"url": URL, "headers": headers("")}).encode()

    assert verified(qstash, empty).code == 0


@pytest.mark.parametrize("key", ["data", "payload", "Body", "json"])
@pytest.mark.parametrize("source", ["--request", "--jsonl"])
def test_an_unknown_body_key_is_reported_with_the_known_keys(
    qstash: Qstash, key: str, source: str
) -> None:
    captured = json.dumps({"url": URL, "headers": headers(), key: BODY}).encode()

    run = qstash("verify", source, "-", "--current-key", KEY, "-o", "json", stdin=captured)

    assert run.code == 7, run
    record = run.json if source == "--request" else run.json[0]
    (finding,) = record["findings"]
    assert finding["what"].endswith(f"; its keys: url, headers, {key}")
    for known in ("bodyBase64", "rawBody", "body", "content", "text"):
        assert f" {known}" in finding["what"].replace("(", " ")
    assert "--body @FILE" in finding["fix"]
    with_body = (*("verify", "--request", "-"), "--current-key", KEY, "--body", BODY)
    assert qstash(*with_body, stdin=captured).code == 0


def test_a_har_form_without_text_is_reported_with_its_keys(qstash: Qstash) -> None:
    posted = {"mimeType": "application/x-www-form-urlencoded", "params": []}

    run = verified(qstash, har(entry(headers=headers(), postData=posted)))

    assert run.code == 7, run
    assert "its keys: mimeType, params" in run.err
