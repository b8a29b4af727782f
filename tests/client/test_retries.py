"""Which requests are retried, how often, and after which pauses."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from email.utils import formatdate
from typing import Any

import pytest

from qstash_cli.client.api import keys, messages, queues
from qstash_cli.client.request import Request
from qstash_cli.errors import BadInput, QstashError, RateLimited, Unreachable
from qstash_cli.protocol.options import MessageOptions
from tests.client.conftest import Connect
from tests.client.scripted import CUT, Reply, ScriptedServer, scripted_server
from tests.ports import reserved_port

KEYS = Reply(200, {"current": "sig_a", "next": "sig_b"})
PUBLISHED = Reply(201, {"messageId": "msg_1"})
ITEMS = Reply(200, [{"messageId": "msg_1"}])
DESTINATION = "https://a.example/x"
UNAVAILABLE = (502, 503, 504)


def publish(**options: Any) -> Request[Any]:
    return messages.publish(DESTINATION, MessageOptions(**options), b"body")


SAFE: dict[str, tuple[Request[Any], Reply]] = {
    "GET": (keys.get(), KEYS),
    "a publish with a deduplication id": (publish(dedup_id="d"), PUBLISHED),
    "a publish deduplicated by content": (publish(dedup_content=True), PUBLISHED),
    "a batch": (messages.batch(b"[]"), ITEMS),
    "a pause": (queues.pause("orders"), Reply(200)),
    "any call with a deduplication id": (
        Request(method="POST", path="/v2/publish/x", headers=(("upstash-DEDUPLICATION-id", "d"),)),
        PUBLISHED,
    ),
}
UNSAFE: dict[str, Request[Any]] = {
    "a publish without deduplication": publish(),
    "a rotation of keys": keys.rotate(),
    "a cancel": messages.cancel("msg_1"),
    "any POST": Request(method="POST", path="/v2/anything"),
    "any DELETE": Request(method="DELETE", path="/v2/anything"),
}


@pytest.mark.parametrize("trouble", [*UNAVAILABLE, "cut"])
@pytest.mark.parametrize("name", SAFE)
def test_a_request_that_is_safe_to_repeat_is_retried(
    connect: Connect, name: str, trouble: int | str
) -> None:
    request, reply = SAFE[name]
    failed = CUT if trouble == "cut" else Reply(int(trouble), {"error": "busy"})
    with scripted_server(failed, failed, reply) as server:
        tried = connect(server.url)

        assert tried.client.send(request) == reply.json
    assert len(server.requests) == 3
    assert len({(one.target, one.body) for one in server.requests}) == 1
    assert tried.pauses == sorted(tried.pauses)


@pytest.mark.parametrize("trouble", [*UNAVAILABLE, "cut"])
@pytest.mark.parametrize("name", UNSAFE)
def test_a_request_that_is_unsafe_to_repeat_is_sent_once(
    connect: Connect, name: str, trouble: int | str
) -> None:
    failed = CUT if trouble == "cut" else Reply(int(trouble), {"error": "busy"})
    with scripted_server(failed) as server:
        tried = connect(server.url)

        with pytest.raises(Unreachable) as caught:
            tried.client.send(UNSAFE[name])
    assert len(server.requests) == 1
    assert tried.pauses == []
    assert "may have been processed" in caught.value.hint


@pytest.mark.parametrize("status", [400, 401, 404, 412, 500, 501])
def test_other_errors_are_not_retried(connect: Connect, status: int) -> None:
    with scripted_server(Reply(status, {"error": "no"})) as server, pytest.raises(QstashError):
        connect(server.url).client.send(keys.get())
    assert len(server.requests) == 1


@pytest.mark.parametrize("failed", [CUT, Reply(503)])
def test_attempts_are_limited_and_counted_in_the_error(connect: Connect, failed: Reply) -> None:
    with scripted_server(failed) as server:
        tried = connect(server.url)

        with pytest.raises(Unreachable) as caught:
            tried.client.send(keys.get())
    assert len(server.requests) == 5
    assert len(tried.pauses) == 4
    assert "5 attempts" in caught.value.message


def test_a_request_that_was_never_sent_is_always_retried(connect: Connect) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(reserved_port())
        servers: list[ScriptedServer] = []

        def start() -> None:
            if not servers:
                servers.append(stack.enter_context(scripted_server(PUBLISHED, port=port)))

        tried = connect(f"http://127.0.0.1:{port}", on_sleep=start)

        assert tried.client.send(publish()) == PUBLISHED.json
    assert len(servers[0].requests) == 1


def test_a_local_server_that_does_not_run_is_not_retried(connect: Connect) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        tried = connect(url, is_local=True)

        with pytest.raises(Unreachable):
            tried.client.send(keys.get())
    assert tried.pauses == []


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize(
    ("retry_after", "pause_s"),
    [("300", 300.0), (formatdate(1_700_000_700, usegmt=True), 700.0)],
    ids=["seconds", "HTTP date"],
)
def test_retry_after_is_honoured(
    connect: Connect, retry_after: str, pause_s: float, status: int
) -> None:
    with scripted_server(Reply(status, headers={"Retry-After": retry_after}), KEYS) as server:
        tried = connect(server.url, request_timeout_s=60, max_wait_s=1000)

        # The time limit for the response excludes waits that the server requested.
        assert tried.client.send(keys.get()) == KEYS.json
    assert tried.pauses == [pytest.approx(pause_s)]


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize("retry_after", ["11", formatdate(1_700_000_900, usegmt=True), "9" * 400])
def test_a_wait_longer_than_allowed_is_an_error(
    connect: Connect, retry_after: str, status: int
) -> None:
    with scripted_server(Reply(status, headers={"Retry-After": retry_after}), KEYS) as server:
        tried = connect(server.url, max_wait_s=10)

        with pytest.raises(RateLimited if status == 429 else Unreachable) as caught:
            tried.client.send(keys.get())
    assert len(server.requests) == 1
    assert "--max-wait" in caught.value.hint


@pytest.mark.parametrize("retry_after", ["", "soon", "nan", "-1", "0", "Wed, 99 Oct 2015"])
def test_an_invalid_retry_after_causes_a_normal_pause(connect: Connect, retry_after: str) -> None:
    with scripted_server(Reply(503, headers={"Retry-After": retry_after}), KEYS) as server:
        tried = connect(server.url)

        assert tried.client.send(keys.get()) == KEYS.json
    assert 0 < tried.pauses[0] < 1


def test_the_total_of_waits_requested_by_the_server_is_limited(connect: Connect) -> None:
    with scripted_server(Reply(503, headers={"Retry-After": "4"})) as server:
        tried = connect(server.url, max_wait_s=10)

        with pytest.raises(Unreachable):
            tried.client.send(keys.get())
    assert sum(tried.pauses) <= 10
    assert len(server.requests) == 3


def test_the_request_timeout_limits_all_attempts_together(connect: Connect) -> None:
    with scripted_server(Reply(503)) as server:
        tried = connect(server.url, request_timeout_s=1)

        with pytest.raises(Unreachable):
            tried.client.send(keys.get())
    assert sum(tried.pauses) < 1
    assert 1 < len(server.requests) < 5


def test_a_retry_is_traced_with_its_reason(connect: Connect) -> None:
    with scripted_server(Reply(503), CUT, KEYS) as server:
        tried = connect(server.url)
        tried.client.send(keys.get())

    retries = [line for line in tried.lines if line.startswith("* ")]
    assert len(retries) == 2
    assert "503 Service Unavailable" in retries[0]


def test_invalid_input_from_the_environment_is_not_retried(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent.pem")
    tried = connect("https://qstash.invalid")

    with pytest.raises(BadInput):
        tried.client.send(keys.get())
    assert tried.pauses == []
