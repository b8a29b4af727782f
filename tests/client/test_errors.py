"""Errors quote QStash's own message or describe the body, but never contain a page."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qstash_cli.client.api import keys, messages
from qstash_cli.client.errors import error_response, excerpt, unexpected_body
from qstash_cli.client.request import Request
from qstash_cli.client.response import Response
from qstash_cli.errors import ExitCode, NotFound, QstashError, RateLimited, Unreachable
from qstash_cli.protocol.options import MessageOptions
from tests.client.conftest import Connect
from tests.client.scripted import Reply, scripted_server

PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
)
HTML = {"Content-Type": "text/html; charset=utf-8"}
PUBLISH: Request[Any] = messages.publish("https://a.example/x", MessageOptions(), b"")


def error_of(connect: Connect, reply: Reply, request: Request[Any]) -> QstashError:
    """Returns the error of a request to a server with this reply."""
    with scripted_server(reply) as server, pytest.raises(QstashError) as caught:
        connect(server.url).client.send(request)
    return caught.value


@pytest.mark.parametrize("status", [400, 403, 404, 500, 502])
@pytest.mark.parametrize("headers", [HTML, {}, {"Content-Type": "application/json"}])
def test_an_html_page_is_described_but_not_quoted(
    connect: Connect, status: int, headers: dict[str, str]
) -> None:
    error = error_of(connect, Reply(status, headers=headers, body=PAGE), PUBLISH)
    assert "the server returned an HTML page" in error.message
    assert f"({status} " in error.message
    assert "<" not in error.message
    assert "nginx" not in error.message


def test_an_html_page_in_place_of_json_is_described(connect: Connect) -> None:
    error = error_of(connect, Reply(200, headers=HTML, body=PAGE), keys.get())
    assert error.message == (
        "expected JSON from GET /v2/keys: the server returned an HTML page (200 OK)"
    )
    assert error.exit_code == ExitCode.FAILED


@pytest.mark.parametrize(
    ("body", "content_type", "described"),
    [
        (b"upstream connect error\n\x1b[2J", "text/plain",
         r'the server returned "upstream connect error \x1b[2J" (500 Internal Server Error)'),
        (b"", "text/plain", "the server returned an empty body (500 Internal Server Error)"),
        (b"\x89PNG\r\n", "image/png",
         "the server returned 6 bytes of image/png (500 Internal Server Error)"),
        (b"\xff\xfe\xfd", "text/plain",
         "the server returned 3 bytes of text/plain (500 Internal Server Error)"),
        (b"<?xml version='1.0'?><Error/>", "application/xml",
         "the server returned an HTML page (500 Internal Server Error)"),
        (b'{"message":"no"}', "application/json",
         "the server returned JSON without an error text (500 Internal Server Error)"),
        (b'{"error":""}', "application/json",
         "the server returned JSON without an error text (500 Internal Server Error)"),
        (b'{"error":{"code":1}}', "application/json",
         "the server returned JSON without an error text (500 Internal Server Error)"),
        (b"[]", "application/json",
         "the server returned JSON without an error text (500 Internal Server Error)"),
        (b'{"error":"went\\nwrong"}', "application/json",
         "went wrong (500 Internal Server Error)"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_from_qstash_is_described(
    connect: Connect, body: bytes, content_type: str, described: str
) -> None:
    reply = Reply(500, headers={"Content-Type": content_type}, body=body)
    error = error_of(connect, reply, keys.get())
    assert error.message == f"QStash refused GET /v2/keys: {described}"


def test_only_the_beginning_of_plain_text_is_quoted(connect: Connect) -> None:
    text = gzip.compress(b"no capacity " * 10_000)
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    error = error_of(connect, Reply(500, headers=headers, body=text), keys.get())
    assert "no capacity no capacity" in error.message
    assert len(error.message) < 250


def test_every_error_names_the_status_and_its_reason(connect: Connect) -> None:
    wanted = {404: NotFound, 412: RateLimited, 429: RateLimited, 503: Unreachable}
    for status, kind in wanted.items():
        error = error_of(connect, Reply(status, {"error": "because"}), PUBLISH)
        assert type(error) is kind
        assert f"because ({status} " in error.message


def test_the_hint_names_a_wait_that_is_too_long(connect: Connect) -> None:
    error = error_of(connect, Reply(503, headers={"Retry-After": "120"}), keys.get())
    assert "120s" in error.hint


@given(
    body=st.one_of(
        st.binary(max_size=600),
        st.text(max_size=600).map(lambda text: text.encode(errors="surrogatepass")),
    ),
    media_type=st.sampled_from(
        ["", "text/plain", "text/html", "application/json", "\x1b[2J", "x" * 999]
    ),
    status=st.integers(100, 999),
    reason=st.text(max_size=400),
)
@example(body=b"[" * 100_000, media_type="application/json", status=500, reason="")
@example(body=b"9" * 100_000, media_type="application/json", status=400, reason="\x1b[2J")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_error_for_any_response_is_one_short_printable_line(
    body: bytes, media_type: str, status: int, reason: str
) -> None:
    headers = {"content-type": media_type, "location": reason}
    response = Response(status, reason, headers, body, 0.0)

    for error in (
        error_response(response, keys.get(), attempts=5, refused_wait_s=float("inf")),
        unexpected_body(response, keys.get(), "https://qstash.example"),
    ):
        assert error.message.isprintable()
        assert len(error.message) < 4_000
        assert isinstance(error.hint, str)


@given(st.text())
def test_an_excerpt_is_printable_and_short(text: str) -> None:
    assert excerpt(text, 50).isprintable()
    assert len(excerpt(text, 50)) <= 51
