"""Requests fail quickly and with a clear error if their proxy refuses, closes or never ends."""

from __future__ import annotations

import time

import pytest

from qstash_cli.client.api import keys
from qstash_cli.client.response import ConnectError, ConnectTimeout, ProxyError
from qstash_cli.errors import Unreachable
from tests.client.conftest import Connect
from tests.client.peers import Transports
from tests.client.proxied import BASIC, HOST, PASSWORD, QUOTED, URL
from tests.client.scripted import TOKEN
from tests.http_proxy import running_http_proxy
from tests.trust.raw_server import Connection, Script, raw_server


def replies(text: bytes) -> Script:
    return lambda connection: connection.say(text)


def replies_and_closes(text: bytes) -> Script:
    def script(connection: Connection) -> None:
        connection.say(text)
        connection.half_close()

    return script


def endless(start: bytes, block: bytes) -> Script:
    def script(connection: Connection) -> None:
        connection.say(start)
        while not connection.stopped.is_set():
            connection.say(block)

    return script


def dripping(connection: Connection) -> None:
    connection.say(b"HTTP/1.1 200 OK\r\n")
    connection.drip(b"X: 1\r\n")


ESTABLISHED = b"HTTP/1.1 200 OK\r\n"
BROKEN: dict[str, tuple[Script, type[ConnectError], str]] = {
    "refuses the credentials": (replies(b"HTTP/1.1 407 me:hush\r\n\r\n"), ProxyError, "407 Proxy"),
    "forbids the host": (replies(b"HTTP/1.1 403 me:hush\r\n\r\n"), ProxyError, "403 Forbidden"),
    "finds no server": (replies(b"HTTP/1.1 502 me:hush\r\n\r\n"), ProxyError, "502 Bad Gateway"),
    "invents a status": (replies(b"HTTP/1.1 799 me:hush\r\n\r\n"), ProxyError, "799"),
    "closes": (Connection.half_close, ConnectError, "closed"),
    "resets": (Connection.reset, ConnectError, "reset"),
    "closes in the head": (replies_and_closes(ESTABLISHED + b"X-"), ConnectError, ""),
    "closes after the head": (replies_and_closes(ESTABLISHED + b"\r\n"), ConnectError, ""),
    "does not speak HTTP": (replies_and_closes(b"\x00\xff\r\n\r\n"), ConnectError, ""),
    "does not speak TLS": (replies_and_closes(ESTABLISHED + b"\r\nno TLS\r\n"), ConnectError, ""),
    "sends nothing": (Connection.stall, ConnectTimeout, "timed out"),
    "sends a head without end": (endless(ESTABLISHED, b"X: 1\r\n" * 99), ConnectError, ""),
    "sends a line without end": (endless(ESTABLISHED, b"X" * 9999), ConnectError, ""),
    "sends a status line without end": (endless(b"HTTP/1.1 200 ", b"X" * 9999), ConnectError, ""),
    "drips": (dripping, ConnectTimeout, ""),
}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_proxy_causes_an_error_in_time(
    transport: Transports, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    script, kind, words = BROKEN[name]
    # The others break at once, and must not run into a time limit on a busy machine.
    limit_s = 1 if kind is ConnectTimeout else 60
    started_at = time.monotonic()
    with raw_server(script) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(ConnectError) as caught:
            transport(URL, connect_timeout_s=limit_s).send("GET", "/", [], b"", limit_s=2 * limit_s)
        assert time.monotonic() - started_at < 30

    assert isinstance(caught.value, kind)
    assert words in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "attempts", "hint"),
    [
        ("407 Proxy Authentication Required", 1, "ALL_PROXY=http://USER:PASSWORD@HOST:PORT"),
        ("403 Forbidden", 1, "check ALL_PROXY"),
        ("502 Bad Gateway", 5, "check ALL_PROXY"),
    ],
)
def test_an_error_of_the_proxy_is_explained_and_retried_if_it_may_be_temporary(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, status: str, attempts: int, hint: str
) -> None:
    reply = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    with raw_server(replies(reply)) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url.replace("://", f"://{QUOTED}@"))
        tried = connect(URL)
        with pytest.raises(Unreachable) as caught:
            tried.client.send(keys.get())

    error = caught.value
    assert len(proxy.requests) == attempts
    assert TOKEN.encode() not in b"".join(proxy.requests)
    assert f"through the proxy {proxy.url}: the proxy responded with {status}" in error.message
    assert hint in error.hint
    text = "\n".join([error.message, error.hint, *tried.lines])
    assert not any(secret in text for secret in (PASSWORD, QUOTED, BASIC.decode()[6:], TOKEN))


def test_a_forwarding_proxy_that_rejects_the_credentials_is_not_reported_as_qstash(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_http_proxy({}, credentials="me:other") as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{QUOTED}@{proxy.address}")
        with pytest.raises(Unreachable, match="407 Proxy Authentication Required"):
            connect(f"http://{HOST}").client.send(keys.get())

    assert len(proxy.heads) == 1
