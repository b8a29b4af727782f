"""Fuzzes every route with generated requests, and the HTTP layer with malformed bytes."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.figures import Figures
from tests.sink import Sink
from tests.stopping import stopped_later
from tests.trust.conftest import AUTHORISED
from tests.trust.openapi import document

ROUTES = "server, fuzzed routes"
BYTES = "server, fuzzed bytes"
Eventually = Callable[..., object]
# How long nothing arrives after a response, or instead of one, and within a response.
QUIET_S, PATIENCE_S = 0.2, 60
AT_ONCE = 16


@pytest.fixture
def server_url() -> Iterator[str]:
    """A server with minutes of one second, so that unexpected schedules would fire."""
    with stopped_later(running_server(ServerConfig(port=0, speed=60))) as url:
        yield url


def exploring(examples: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def wrong(status: int, content_type: str, text: str) -> str:
    """Returns the problem of a response, or an empty string."""
    if status < 400:
        return ""
    try:
        error = json.loads(text)["error"]
    except (ValueError, TypeError, KeyError):
        return f"{status} and no error in JSON: {text[:300]}"
    is_right = status < 500 and error and content_type == "application/json"
    return "" if is_right else f"{status} {content_type}: {text[:300]}"


def fuzz_routes(url: str, examples: int) -> tuple[int, list[str]]:
    """Returns the number of requests, and the problems of their responses."""
    tried, failures = 0, []
    for found in schemathesis.openapi.from_dict(document()).get_all_operations():
        assert isinstance(found, Ok), found
        made = found.ok().as_strategy(generation_mode=GenerationMode.POSITIVE)

        @exploring(examples)
        @given(case=made)
        def send(case: Any) -> None:
            nonlocal tried
            response = case.call(base_url=url, headers=AUTHORISED, timeout=60)
            tried += 1
            kind = "".join(response.headers.get("content-type", []))
            if what := wrong(response.status_code, kind, response.text):
                failures.append(f"{case.method} {case.path}: {what}: {case.query} {case.body}")

        send()
    return tried, failures


def delivers_and_fires(http: httpx.Client, sink: Sink, eventually: Eventually) -> None:
    http.post(f"/v2/publish/{sink.url}/after").raise_for_status()
    http.post(
        f"/v2/schedules/{sink.url}/fired", headers={"Upstash-Cron": "* * * * *"}
    ).raise_for_status()

    eventually(lambda: {"/after", "/fired"} <= {r.path for r in sink.received})


def test_every_route_responds_to_generated_requests_in_json(
    http: httpx.Client, sink: Sink, log_lines: list[str], eventually: Eventually, figures: Figures
) -> None:
    tried, failures = fuzz_routes(str(http.base_url), 8)

    figures(ROUTES, cases=tried, failures=len(failures) + len(log_lines))
    assert failures == []
    assert log_lines == []
    delivers_and_fires(http, sink, eventually)


@pytest.mark.soak
def test_every_route_responds_to_many_generated_requests_in_json(
    http: httpx.Client, sink: Sink, log_lines: list[str], eventually: Eventually, figures: Figures
) -> None:
    tried, failures = fuzz_routes(str(http.base_url), 500)

    figures(ROUTES, cases=tried, failures=len(failures) + len(log_lines))
    assert failures == []
    assert log_lines == []
    delivers_and_fires(http, sink, eventually)


METHODS = st.sampled_from(
    [b"GET", b"POST", b"DELETE", b"PUT", b"CONNECT", b"TRACE", b"x", b"", b"G\x00T"]
)
TARGETS = st.sampled_from([
    b"/v2/keys", b"/v2/publish/http://127.0.0.1:9/", b"*", b"http://evil/v2/keys",
    b"/v2/logs?%ff=%",
    b"//v2//keys", b"/v2/dlq/%00", b"/v2/messages/%ff", b"/../v2/keys", b"/v2/batch", b"",
    b"/v2/publish/http://[", b"/v2/keys\xff", b"/v2/keys?a=b HTTP/1.1\r\nX: y\r\n\r\n", b"?", b"/",
    b"/v2/enqueue/q/http://127.0.0.1:9/?a=b#c", b"/v2/flowControl/a/b/pause", b"/LONG",
])  # fmt: skip
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"HTTP", b"", b"HTTP/2.0"])
HEADERS = st.sampled_from([
    b"Content-Length: 3", b"Content-Length: -1", b"Content-Length: 99999999999999999999",
    b"Content-Length: 3, 3", b"Content-Length: 4", b"Transfer-Encoding: chunked", b"LONG: x",
    b"Transfer-Encoding: gzip", b"Connection: upgrade\r\nUpgrade: websocket", b"Host: evil", b": x",
    b"Connection: upgrade\r\nUpgrade: h2c", b"Expect: 100-continue", b"X: \x00", b"X\r\n folded: 1",
    b"Upstash-Delay: \xff\xfe", b"Origin: \xff", b"Authorization: Bearer \xff", b"Host: [", b"X",
    b"Content-Encoding: gzip", b"Upstash-Forward-X: \xe2\x82\xac", b"Content-Type: \x7f",
])  # fmt: skip
BODIES = st.sampled_from(
    [b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"zzz\r\n", b"[]", b"\xff" * 9, b"{"]
)
GOOD_HEADERS = f"Host: localhost\r\nAuthorization: Bearer {DEV_USER.token}".encode()


@st.composite
def hardly_http(draw: st.DrawFn) -> bytes:
    """Generates a request of mismatched parts with one or two changed bytes."""
    line = b" ".join([draw(METHODS), draw(TARGETS), draw(VERSIONS)])
    headers = [GOOD_HEADERS] * draw(st.integers(0, 1)) + draw(st.lists(HEADERS, max_size=3))
    whole = bytearray(b"\r\n".join([line, *headers, b"", draw(BODIES)]))
    for _ in range(draw(st.integers(0, 2))):
        whole[draw(st.integers(0, min(len(whole) - 1, 300)))] = draw(st.integers(0, 255))
    return bytes(whole)


def at_length(request: bytes) -> bytes:
    """Expands a request to its full length; test reports stay short."""
    return request.replace(b"LONG", b"a" * 70_000)


def exchanged(url: str, request: bytes) -> bytes:
    """Returns everything received until the connection closes or is idle after a response."""
    parts = urlsplit(url)
    response = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        with suppress(ConnectionError):
            connection.sendall(at_length(request))
        while chunk := received(connection, PATIENCE_S if is_cut(response) else QUIET_S):
            response += chunk
    return response


def received(connection: socket.socket, within_s: float) -> bytes:
    """Returns what is received next, empty if the connection is closed or nothing arrives."""
    connection.settimeout(within_s)
    with suppress(TimeoutError, ConnectionError):
        return connection.recv(65_536)
    return b""


class ResponseBytes(NamedTuple):
    """One of the responses on a connection. `is_cut` if its body is not complete."""

    status: int
    kind: str
    body: bytes
    is_cut: bool


def responses_in(received: bytes) -> Iterator[ResponseBytes]:
    for found in re.finditer(rb"HTTP/1\.1 (\d+)[^\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n", received):
        fields = dict(line.lower().split(b": ", 1) for line in found[2].splitlines())
        length = int(fields.get(b"content-length", 0))
        body = received[found.end() :][:length]
        kind = fields.get(b"content-type", b"").decode()
        yield ResponseBytes(int(found[1]), kind, body, len(body) < length)


def is_cut(received: bytes) -> bool:
    """Whether the rest of a response must come, however slow the machine is."""
    found = list(responses_in(received))
    return bool(received) and (not found or found[-1].is_cut)


def wrong_bytes(received: bytes) -> str:
    """Returns the problem of the responses to some bytes, or an empty string."""
    for one in responses_in(received):
        if what := wrong(one.status, one.kind, one.body.decode(errors="replace")):
            return what
    return ""


def fuzz_bytes(url: str, examples: int) -> tuple[int, list[str]]:
    tried = completed = 0
    failures: list[str] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:

        @exploring(examples)
        @given(requests=st.lists(hardly_http(), min_size=AT_ONCE, max_size=AT_ONCE))
        def send(requests: Sequence[bytes]) -> None:
            nonlocal tried, completed
            responses = list(pool.map(lambda request: exchanged(url, request), requests))
            tried += len(requests)
            completed += sum(map(bool, responses))
            failures.extend(
                f"{request[:200]!r}: {what}"
                for request, response in zip(requests, responses, strict=True)
                if (what := wrong_bytes(response))
            )

        send()
    assert completed > tried / 2
    return tried, failures


def test_malformed_http_gets_a_json_response(
    http: httpx.Client, sink: Sink, log_lines: list[str], eventually: Eventually, figures: Figures
) -> None:
    tried, failures = fuzz_bytes(str(http.base_url), 25)

    figures(BYTES, cases=tried, failures=len(failures))
    assert failures == []
    assert [c for c in log_lines if "Traceback" in c] == []
    delivers_and_fires(http, sink, eventually)


@pytest.mark.soak
def test_much_malformed_http_gets_json_responses(
    http: httpx.Client, sink: Sink, log_lines: list[str], eventually: Eventually, figures: Figures
) -> None:
    tried, failures = fuzz_bytes(str(http.base_url), 1000)

    figures(BYTES, cases=tried, failures=len(failures))
    assert failures == []
    assert [c for c in log_lines if "Traceback" in c] == []
    delivers_and_fires(http, sink, eventually)
