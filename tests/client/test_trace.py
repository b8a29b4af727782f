"""`-v` prints requests and responses with their bodies, without secrets."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from qstash_cli.client.response import Response
from qstash_cli.client.trace import request_lines, response_lines


def _hide(text: str) -> str:
    return text.replace("tok_of_this_run", "…")


def response(content: bytes | str, path: str = "/v2/logs", **headers: str) -> str:
    body = content if isinstance(content, bytes) else content.encode()
    return "\n".join(response_lines(Response(200, "OK", headers, body, 0.1), path, _hide))


def request(body: bytes, *headers: tuple[str, str]) -> str:
    return "\n".join(request_lines("POST", "https://q.example/v2/publish/x", headers, body, _hide))


def test_a_request_has_its_headers_and_its_body() -> None:
    assert request(b'{"order":17}\n', ("Upstash-Retries", "3")) == (
        "> POST https://q.example/v2/publish/x\n> Authorization: Bearer …\n"
        '> Upstash-Retries: 3\n> {"order":17}\n> (13 bytes)'
    )


def test_a_request_without_a_body_has_no_size() -> None:
    assert "bytes" not in request(b"")


def test_a_response_has_its_body_line_by_line() -> None:
    assert response("one\ntwo\n") == "< 200 OK\n< one\n< two\n< (8 bytes)"


def test_json_without_secrets_is_displayed_as_it_was_sent() -> None:
    body = '{ "messageId" : "msg_1", "n": 1.0e2, "header": {"X-Trace": ["1"]} }'

    assert f"< {body}\n" in response(body)


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Api-Key", "Cookie", "Upstash-Forward-Authorization", "X-Password"]
)
def test_headers_with_secrets_are_masked(name: str) -> None:
    assert "s3cr3t" not in request(b"", (name, "Bearer s3cr3t"))
    assert f"< {name}: …\n" in response("", **{name: "s3cr3t"})


@pytest.mark.parametrize("path", ["/v2/keys", "/v2/keys/rotate"])
def test_signing_keys_are_masked(path: str) -> None:
    trace = response('{"current": "key_one", "next": "key_two"}', path)

    assert '{"current": "…", "next": "…"}' in trace


@pytest.mark.parametrize(
    "body",
    [
        {"header": {"Authorization": ["Bearer s3cr3t-5678"]}, "body": "a"},
        {"messages": [{"responseHeaders": {"set-cookie": ["id=s3cr3t-5678"]}}]},
        {"apiKey": "s3cr3t-5678", "deep": [[{"signingKey": "s3cr3t-5678"}]]},
        {"body": '{"password":"s3cr3t-5678"}'},
        {"url": "https://a.example/?token=s3cr3t-5678&page=2"},
        {"body": "Authorization: Bearer s3cr3t-5678"},
        {"note": "sig_s3cr3t5678 is the key"},
        {"token": "tok_of_this_run"},
        {"echo": "tok_of_this_run"},
    ],
)
def test_secrets_in_bodies_are_masked(body: Any) -> None:
    for trace in (response(json.dumps(body)), request(json.dumps(body).encode())):
        assert "s3cr3t" not in trace
        assert "tok_of_this_run" not in trace
        assert "…" in trace


@pytest.mark.parametrize(
    "body", ["a=1&token=s3cr3t-5678&b=2", "password: s3cr3t-5678", '{"secret": "s3cr3t-5678"']
)
def test_secrets_in_bodies_that_are_not_json_are_masked(body: str) -> None:
    assert "s3cr3t" not in response(body)


def test_a_long_body_is_cut_and_the_note_says_so() -> None:
    trace = response("x" * 4090 + "tok_of_this_run")

    assert "tok_of" not in trace
    assert "(4105 bytes)" in trace
    trace = response("x" * 5000)
    assert trace.count("x") == 4096
    assert "(5000 bytes; the first 4096 characters are displayed)" in trace


def test_bodies_that_are_not_text_or_too_long_are_only_counted() -> None:
    assert response(b"\xff\xfe\x00") == "< 200 OK\n< (3 bytes; not text)"
    assert response(b"x" * 2_000_000) == "< 200 OK\n< (2000000 bytes; too long to display)"


@pytest.mark.parametrize(
    "body",
    ["[" * 900_000, "token" * 200_000, "a" * 1_000_000, "[]," * 300_000],
    ids=["nested", "secrets", "letters", "lists"],
)
def test_no_body_takes_long(body: str) -> None:
    started_at = time.process_time()
    response(body)

    # With a quadratic pattern, these would be minutes.
    assert time.process_time() - started_at < 15
