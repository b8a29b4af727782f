"""Requests through real proxies: which proxy is used, what it receives, and its errors."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import pytest

from qstash_cli.client.api import keys
from qstash_cli.client.proxies import Proxy, proxy_for
from qstash_cli.client.response import ConnectError
from qstash_cli.errors import BadInput
from tests.client.conftest import Connect
from tests.client.peers import OK, Peers, Transports
from tests.client.proxied import BASIC, CREDENTIALS, HOST, PASSWORD, QUOTED, URL
from tests.client.scripted import Reply, scripted_server
from tests.http_proxy import running_http_proxy

KEYS = {"current": "sig_a", "next": "sig_b"}


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@pytest.mark.usefixtures("trusted")
def test_https_is_tunnelled_and_the_proxy_never_receives_the_token(
    peer: Peers, transport: Transports, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer((OK, OK), context=tls)
    token = [(b"Authorization", b"Bearer token-of-a-test")]
    hosts = {f"{HOST}:443": port_of(server.url)}
    with running_http_proxy(hosts, credentials=CREDENTIALS) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{QUOTED}@{proxy.address}")
        connection = transport(URL)
        for body in (b"one", b"two"):
            assert connection.send("POST", "/v2/x", token, body, limit_s=60).content == b"ok"

    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {HOST}:443 HTTP/1.".encode())
    assert b"Proxy-Authorization: " + BASIC in head
    assert b"token-of-a-test" not in head
    assert [one.partition(b"\r\n")[0] for one in server.requests] == [b"POST /v2/x HTTP/1.1"] * 2
    assert all(f"Host: {HOST}\r\n".encode() in one for one in server.requests)
    assert not any(b"Proxy-Authorization" in one for one in server.requests)


def test_http_is_forwarded_with_an_absolute_target(
    peer: Peers, transport: Transports, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer((OK,), (OK,))
    target = "/v2/publish/https://a.example/b//../c%20d?e={%20}"
    hosts = {f"{HOST}:8080": port_of(server.url)}
    with running_http_proxy(hosts, credentials=CREDENTIALS) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{QUOTED}@{proxy.address}")
        response = transport(f"http://{HOST}:8080").send("POST", target, [], b"body", limit_s=60)

    assert response.content == b"ok"
    (head,) = proxy.heads
    assert head.startswith(f"POST http://{HOST}:8080{target} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: " + BASIC in head
    (request,) = server.requests
    assert request.startswith(f"POST {target} HTTP/1.1\r\n".encode())
    assert f"Host: {HOST}:8080\r\n".encode() in request
    assert request.endswith(b"\r\n\r\nbody")


@pytest.mark.usefixtures("trusted")
def test_a_new_tunnel_replaces_one_that_the_server_closed(
    peer: Peers, transport: Transports, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer((OK,), (OK,), context=tls)
    with running_http_proxy({f"{HOST}:443": port_of(server.url)}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        connection = transport(URL)
        connection.send("GET", "/", [], b"", limit_s=60)
        assert proxy.tunnel_closed.wait(60)
        connection.send("GET", "/", [], b"", limit_s=60)

    assert [head.split()[0] for head in proxy.heads] == [b"CONNECT", b"CONNECT"]


def test_nothing_is_sent_through_a_tunnel_to_an_untrusted_server(
    peer: Peers, transport: Transports, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer((OK,), context=tls)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with running_http_proxy({f"{HOST}:443": port_of(server.url)}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(ConnectError, match="certificate verify failed"):
            transport(URL).send("GET", "/", [], b"", limit_s=60)

    assert server.requests == []


A, B = "http://a:1", "http://b:2"


@pytest.mark.parametrize(
    ("env", "url", "host"),
    [
        ({}, URL, None),
        ({"HTTPS_PROXY": A}, URL, "a"),
        ({"HTTPS_PROXY": A, "https_proxy": B}, URL, "b"),
        ({"HTTPS_PROXY": A, "https_proxy": ""}, URL, None),
        ({"HTTPS_PROXY": A}, f"http://{HOST}", None),
        ({"HTTP_PROXY": A}, URL, None),
        ({"HTTP_PROXY": A}, f"http://{HOST}", "a"),
        ({"ALL_PROXY": A}, URL, "a"),
        ({"all_proxy": A}, f"http://{HOST}", "a"),
        ({"ALL_PROXY": A, "HTTPS_PROXY": B}, URL, "b"),
        ({"HTTPS_PROXY": "a:1"}, URL, "a"),
        ({"HTTPS_PROXY": A, "NO_PROXY": HOST}, URL, None),
        ({"HTTPS_PROXY": A, "NO_PROXY": ".invalid"}, URL, None),
        ({"HTTPS_PROXY": A, "NO_PROXY": "x.example, invalid"}, URL, None),
        ({"HTTPS_PROXY": A, "NO_PROXY": "*"}, URL, None),
        ({"HTTPS_PROXY": A, "NO_PROXY": f"{HOST}:443"}, URL, None),
        ({"HTTPS_PROXY": A, "NO_PROXY": f"{HOST}:8443"}, URL, "a"),
        ({"HTTPS_PROXY": A, "NO_PROXY": "stash.invalid"}, URL, "a"),
        ({"HTTPS_PROXY": A, "no_proxy": "other.example"}, URL, "a"),
        ({"ALL_PROXY": A}, "https://localhost:8080", None),
        ({"ALL_PROXY": A}, "http://127.0.0.1:8080", None),
        ({"ALL_PROXY": A}, "http://[::1]:8080", None),
        # A web server sets HTTP_PROXY of a CGI program to the request's header "Proxy".
        ({"HTTP_PROXY": A, "REQUEST_METHOD": "GET"}, f"http://{HOST}", None),
    ],
)
def test_the_environment_selects_the_proxy(
    env: dict[str, str], url: str, host: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    found = proxy_for(url)

    assert (found.host if found else None) == host


def test_a_proxy_has_a_source_and_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", f"http://{QUOTED}@[2001:db8::1]")

    found = proxy_for(URL)

    assert found == Proxy("all_proxy", "2001:db8::1", 80, CREDENTIALS)
    assert found.address == "http://[2001:db8::1]:80"
    assert found.authorization == BASIC.decode()


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        (f"socks5://{QUOTED}@127.0.0.1:9", "SOCKS"),
        (f"socks5h://{QUOTED}@127.0.0.1:9", "SOCKS"),
        (f"SOCKS4://{QUOTED}@127.0.0.1:9", "SOCKS"),
        (f"https://{QUOTED}@127.0.0.1:9", "https://"),
        (f"gopher://{QUOTED}@127.0.0.1:9", "not the address of a proxy"),
        (f"http://{QUOTED}@127.0.0.1:port", "not the address of a proxy"),
        (f"http://{QUOTED}@127.0.0.1:0", "not the address of a proxy"),
        (f"http://{QUOTED}@127.0.0.1:99999", "not the address of a proxy"),
        (f"http://{QUOTED}@", "not the address of a proxy"),
        (f"http://{QUOTED}@a b:1", "not the address of a proxy"),
        (f"http://{QUOTED}@[::1:1", "not the address of a proxy"),
    ],
)
def test_an_unsupported_proxy_is_bad_input_without_its_password(
    transport: Transports, monkeypatch: pytest.MonkeyPatch, address: str, problem: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)

    with pytest.raises(BadInput) as caught:
        transport(URL)

    assert problem in caught.value.message
    assert "HTTPS_PROXY" in caught.value.message
    assert "export HTTPS_PROXY=http://HOST:PORT" in caught.value.hint
    assert QUOTED not in caught.value.message + caught.value.hint
    assert PASSWORD not in caught.value.message + caught.value.hint


def test_the_connection_to_a_host_without_a_proxy_is_direct(
    transport: Transports, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_http_proxy({}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", HOST)
        with pytest.raises(ConnectError):
            transport(f"http://{HOST}").send("GET", "/", [], b"", limit_s=60)

    assert proxy.heads == []


def test_the_client_uses_the_proxy(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        scripted_server(Reply(200, KEYS)) as server,
        running_http_proxy({f"{HOST}:80": port_of(server.url)}) as proxy,
    ):
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert connect(f"http://{HOST}").client.send(keys.get()) == KEYS

    assert len(proxy.heads) == len(server.requests) == 1
