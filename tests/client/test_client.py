"""The requests that the client sends, its pauses, and the errors for refused requests."""

from __future__ import annotations

from typing import Any

import pytest

from qstash_cli.client.api import dlq, keys, messages
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.request import Request
from qstash_cli.errors import BadCredentials, ExitCode, NotFound, QstashError, RateLimited
from qstash_cli.protocol.options import MessageOptions
from tests.client.conftest import Connect
from tests.client.scripted import TOKEN, Reply, scripted_server

PUBLISHED = Reply(201, {"messageId": "msg_1"})
KEYS = {"current": "sig_a", "next": "sig_b"}


def publish(**options: Any) -> Request[Any]:
    return messages.publish("https://a.example/x?y=%7E", MessageOptions(**options), b"\x00body")


def entry(dlq_id: str) -> dict[str, str]:
    return {"dlqId": dlq_id, "messageId": "msg_1", "url": "https://a.example"}


def test_the_destination_is_sent_byte_for_byte(connect: Connect) -> None:
    request = messages.publish("https://a.example/b//../c d?e={%20}", MessageOptions(), b"")
    with scripted_server(PUBLISHED) as server:
        connect(server.url).client.send(request)

    assert server.requests[0].target == "/v2/publish/https://a.example/b//../c%20d?e={%20}"


def test_the_token_the_body_and_options_are_sent(connect: Connect) -> None:
    with scripted_server(PUBLISHED) as server:
        assert connect(server.url).client.send(publish(retries=3)) == {"messageId": "msg_1"}

    request = server.requests[0]
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["upstash-retries"] == "3"
    assert request.body == b"\x00body"


def test_a_queue_becomes_part_of_the_path(connect: Connect) -> None:
    with scripted_server(PUBLISHED) as server:
        connect(server.url).client.send(publish(queue="orders"))

    assert server.requests[0].target.startswith("/v2/enqueue/orders/https://a.example")
    assert "upstash-queue-name" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Burst-RateLimit-Reset": "1700000002"}, 2.0),
        ({"RateLimit-Reset": "3"}, 3.0),
        ({"Retry-After": "1"}, 1.0),
    ],
)
def test_the_client_waits_for_a_rate_limit(
    connect: Connect, headers: dict[str, str], pause: float
) -> None:
    with scripted_server(Reply(429, headers=headers), Reply(200, KEYS)) as server:
        tried = connect(server.url)
        tried.client.send(keys.get())

    assert tried.pauses == [pause]


def pauses_of_two(connect: Connect, headers: dict[str, str]) -> list[float]:
    """Returns the pauses of two requests whose responses have these headers."""
    with scripted_server(Reply(200, KEYS, headers)) as server:
        tried = connect(server.url)
        tried.client.send(keys.get())
        assert tried.pauses == []
        tried.client.send(keys.get())
    return tried.pauses


def test_after_the_last_request_of_a_second_the_client_waits_for_the_next_second(
    connect: Connect,
) -> None:
    spent = {"Burst-RateLimit-Remaining": "0", "Burst-RateLimit-Reset": "1700000000.4"}

    assert pauses_of_two(connect, spent) == [pytest.approx(0.4)]


@pytest.mark.parametrize(
    "headers",
    [
        {"Burst-RateLimit-Remaining": "3", "Burst-RateLimit-Reset": "1700000001"},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": "1700009999"},
    ],
)
def test_a_limit_that_is_not_reached_or_not_per_second_causes_no_pause(
    connect: Connect, headers: dict[str, str]
) -> None:
    assert pauses_of_two(connect, headers) == []


@pytest.mark.parametrize("reset", ["1700000900", "nan", "soon", ""])
def test_a_wrong_clock_causes_no_pause_longer_than_a_second(connect: Connect, reset: str) -> None:
    spent = {"Burst-RateLimit-Remaining": "0", "Burst-RateLimit-Reset": reset}

    assert pauses_of_two(connect, spent) == [1.0]


@pytest.mark.parametrize("headers", [{"RateLimit-Reset": "1700009999"}, {}])
def test_a_rate_limit_that_does_not_end_is_an_error(
    connect: Connect, headers: dict[str, str]
) -> None:
    with scripted_server(Reply(429, {"error": "quota"}, headers)) as server:
        tried = connect(server.url)
        with pytest.raises(RateLimited, match="quota"):
            tried.client.send(keys.get())

    assert tried.pauses == []


@pytest.mark.parametrize(
    ("status", "kind", "exit_code"),
    [
        (400, QstashError, 1),
        (401, BadCredentials, 3),
        (403, BadCredentials, 3),
        (404, NotFound, 4),
        (412, RateLimited, 5),
        (500, QstashError, 1),
        (302, QstashError, 1),
    ],
)
def test_each_refusal_has_its_exit_code_and_is_not_retried(
    connect: Connect, status: int, kind: type[QstashError], exit_code: int
) -> None:
    refusal = Reply(status, {"error": "because"})
    with scripted_server(refusal) as server, pytest.raises(QstashError) as caught:
        connect(server.url).client.send(keys.get())

    assert type(caught.value) is kind
    assert caught.value.exit_code == ExitCode(exit_code)
    assert caught.value.status == status
    assert len(server.requests) == 1


def test_the_error_for_an_unexpected_response_names_endpoint_and_field(connect: Connect) -> None:
    page = Reply(200, {"messages": [entry("1"), entry("2") | {"dlqId": 3}]})
    with scripted_server(page) as server, pytest.raises(QstashError) as caught:
        list(connect(server.url).client.pages(dlq.entries(Filter())))

    assert caught.value.message == (
        "unexpected response from GET /v2/dlq: messages[1].dlqId is a number, expected a string"
    )
    assert caught.value.exit_code == ExitCode.FAILED


def test_the_error_for_an_unexpected_response_says_that_the_write_was_accepted(
    connect: Connect,
) -> None:
    reply = Reply(201, {"id": "msg_1"})
    with scripted_server(reply) as server, pytest.raises(QstashError) as caught:
        connect(server.url).client.send(publish())

    assert "messageId is missing" in caught.value.message
    assert "the server accepted the request" in caught.value.hint


def test_all_pages_are_read(connect: Connect) -> None:
    with scripted_server(
        Reply(200, {"messages": [entry("1"), entry("2")], "cursor": "c1"}),
        Reply(200, {"messages": [], "cursor": 2**60}),
        Reply(200, {"messages": [entry("3")]}),
    ) as server:
        pages = connect(server.url).client.pages(dlq.entries(Filter(labels=("a", "b"))))
        found = [one["dlqId"] for one in pages]

    assert found == ["1", "2", "3"]
    assert [request.target for request in server.requests] == [
        "/v2/dlq?label=a&label=b&count=100",
        "/v2/dlq?label=a&label=b&count=100&cursor=c1",
        f"/v2/dlq?label=a&label=b&count=100&cursor={2**60}",
    ]


def test_the_trace_contains_the_exchange_without_secrets(connect: Connect) -> None:
    with scripted_server(PUBLISHED._replace(headers={"Set-Cookie": "s3cret"})) as server:
        tried = connect(server.url)
        tried.client.send(publish(headers=(("Authorization", "s3cret"), ("X-A", "plain"))))

    trace = "\n".join(tried.lines)
    assert f"> POST {server.url}/v2/publish/https://a.example/x?y=%7E" in trace
    assert "Upstash-Forward-X-A: plain" in trace
    assert "< 201" in trace
    assert TOKEN not in trace
    assert "s3cret" not in trace


@pytest.mark.parametrize("text", ["", "a/b", "..?x"])
def test_an_id_that_would_change_the_path_is_refused(text: str) -> None:
    with pytest.raises(QstashError, match="id"):
        messages.cancel(text)
