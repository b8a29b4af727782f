"""What goes over the wire, what is tried again, and what each refusal becomes."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from qstash_cli.client import dlq, keys, messages
from qstash_cli.client.filters import Filter
from qstash_cli.client.request import Request
from qstash_cli.client.transport import Client, Surroundings
from qstash_cli.errors import (
    BadCredentials,
    ExitCode,
    NotFound,
    QstashError,
    RateLimited,
    Unreachable,
)
from qstash_cli.protocol.options import MessageOptions

TOKEN = "token-of-a-test"
Handler = Callable[[httpx.Request], httpx.Response]


class Wire:
    """A client whose other end is a function, with the pauses it made and the lines it traced."""

    def __init__(self, handler: Handler, *, max_wait_s: float = 10) -> None:
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.lines: list[str] = []
        self.time = 1_700_000_000.0

        def record(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return handler(request)

        def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            self.time += seconds

        self.client = Client(
            "https://qstash.example",
            TOKEN,
            is_local=False,
            surroundings=Surroundings(
                now=lambda: self.time,
                sleep=sleep,
                trace=self.lines.append,
                max_wait_s=max_wait_s,
                transport=httpx.MockTransport(record),
            ),
        )


def answer(status: int, *, json: Any = None, **more: Any) -> Handler:
    return lambda _request: httpx.Response(status, json=json, **more)


def in_turn(*handlers: Handler) -> Handler:
    rest = list(handlers)

    def next_of_them(request: httpx.Request) -> httpx.Response:
        return rest.pop(0)(request)

    return next_of_them


def cut(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("cut", request=request)


def no_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def publish(**options: Any) -> Request[Any]:
    return messages.publish("https://a.example/x?y=%7E#z".partition("#")[0],
                            MessageOptions(**options), b"\x00body")  # fmt: skip


def test_the_destination_travels_byte_for_byte() -> None:
    wire = Wire(answer(201, json={"messageId": "msg_1"}))

    wire.client.send(messages.publish("https://a.example/b//../c d?e={%20}", MessageOptions(), b""))

    assert wire.requests[0].extensions["target"] == (
        b"/v2/publish/https://a.example/b//../c%20d?e={%20}"
    )


def test_token_body_and_options_travel() -> None:
    wire = Wire(answer(201, json={"messageId": "msg_1"}))

    assert wire.client.send(publish(retries=3)) == {"messageId": "msg_1"}
    request = wire.requests[0]
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["upstash-retries"] == "3"
    assert request.content == b"\x00body"


def test_a_queue_becomes_part_of_the_path() -> None:
    wire = Wire(answer(201, json={"messageId": "msg_1"}))

    wire.client.send(publish(queue="orders"))

    assert wire.requests[0].extensions["target"].startswith(b"/v2/enqueue/orders/https://a.example")
    assert "upstash-queue-name" not in wire.requests[0].headers


def test_a_lost_answer_is_asked_for_again_when_that_cannot_send_twice() -> None:
    wire = Wire(in_turn(cut, cut, answer(201, json={"messageId": "msg_1"})))

    assert wire.client.send(publish(dedup_id="d")) == {"messageId": "msg_1"}
    assert len(wire.requests) == 3
    assert wire.pauses == sorted(wire.pauses)


def test_a_lost_answer_is_not_asked_for_again_when_that_could_send_twice() -> None:
    wire = Wire(cut)

    with pytest.raises(Unreachable):
        wire.client.send(publish())
    assert len(wire.requests) == 1


def test_what_never_left_is_sent_again_in_any_case() -> None:
    wire = Wire(in_turn(no_connection, answer(201, json={"messageId": "msg_1"})))

    wire.client.send(publish())

    assert len(wire.requests) == 2


def test_attempts_end() -> None:
    wire = Wire(no_connection)

    with pytest.raises(Unreachable, match=r"cannot connect to https://qstash\.example"):
        wire.client.send(keys.get())
    assert len(wire.requests) == 5


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Burst-RateLimit-Reset": "1700000002"}, 2.0),
        ({"RateLimit-Reset": "3"}, 3.0),
        ({"Retry-After": "1"}, 1.0),
    ],
)
def test_a_rate_limit_is_waited_for(headers: dict[str, str], pause: float) -> None:
    wire = Wire(in_turn(answer(429, headers=headers), answer(200, json={"current": "c"})))

    wire.client.send(keys.get())

    assert wire.pauses == [pause]


def test_the_last_request_of_a_second_makes_the_next_one_wait_for_the_next_second() -> None:
    spent = {"Burst-RateLimit-Remaining": "0", "Burst-RateLimit-Reset": "1700000000.4"}
    wire = Wire(answer(200, json={"current": "c"}, headers=spent))

    wire.client.send(keys.get())
    assert wire.pauses == []
    wire.client.send(keys.get())

    assert wire.pauses == [pytest.approx(0.4)]


@pytest.mark.parametrize(
    "headers",
    [
        {"Burst-RateLimit-Remaining": "3", "Burst-RateLimit-Reset": "1700000001"},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": "1700009999"},
    ],
)
def test_a_limit_that_is_not_spent_or_not_of_the_second_makes_nothing_wait(
    headers: dict[str, str],
) -> None:
    wire = Wire(answer(200, json={"current": "c"}, headers=headers))

    wire.client.send(keys.get())
    wire.client.send(keys.get())

    assert wire.pauses == []


@pytest.mark.parametrize("reset", ["1700000900", "nan", "soon", ""])
def test_a_clock_that_is_wrong_makes_no_pause_longer_than_the_second(reset: str) -> None:
    spent = {"Burst-RateLimit-Remaining": "0", "Burst-RateLimit-Reset": reset}
    wire = Wire(answer(200, json={"current": "c"}, headers=spent))

    wire.client.send(keys.get())
    wire.client.send(keys.get())

    assert wire.pauses == [1.0]


@pytest.mark.parametrize("headers", [{"RateLimit-Reset": "1700009999"}, {}])
def test_a_rate_limit_that_lasts_is_an_error(headers: dict[str, str]) -> None:
    wire = Wire(answer(429, json={"error": "quota"}, headers=headers))

    with pytest.raises(RateLimited, match="quota"):
        wire.client.send(keys.get())
    assert wire.pauses == []


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
def test_each_refusal_has_its_exit_code_and_is_not_repeated(
    status: int, kind: type[QstashError], exit_code: int
) -> None:
    wire = Wire(answer(status, json={"error": "because"}))

    with pytest.raises(QstashError) as caught:
        wire.client.send(keys.get())
    assert type(caught.value) is kind
    assert caught.value.exit_code == ExitCode(exit_code)
    assert caught.value.status == status
    assert len(wire.requests) == 1


def test_an_answer_that_is_not_json_is_named() -> None:
    wire = Wire(lambda _request: httpx.Response(200, text="<html>hello"))

    with pytest.raises(QstashError, match="expected JSON"):
        wire.client.send(keys.get())


def test_an_error_that_is_not_json_keeps_its_words() -> None:
    wire = Wire(lambda _request: httpx.Response(500, text="went\nwrong"))

    with pytest.raises(QstashError, match="went wrong"):
        wire.client.send(keys.get())


def test_pages_are_followed_to_the_end() -> None:
    wire = Wire(
        in_turn(
            answer(200, json={"messages": [{"dlqId": "1"}, {"dlqId": "2"}], "cursor": "c1"}),
            answer(200, json={"messages": [], "cursor": "c2"}),
            answer(200, json={"messages": [{"dlqId": "3"}]}),
        )
    )

    found = [entry["dlqId"] for entry in wire.client.pages(dlq.entries(Filter(labels=("a", "b"))))]

    assert found == ["1", "2", "3"]
    assert [request.extensions["target"] for request in wire.requests] == [
        b"/v2/dlq?label=a&label=b&count=100",
        b"/v2/dlq?label=a&label=b&count=100&cursor=c1",
        b"/v2/dlq?label=a&label=b&count=100&cursor=c2",
    ]


def test_a_cursor_that_repeats_ends_the_pages() -> None:
    wire = Wire(answer(200, json={"messages": [{"dlqId": "1"}], "cursor": "c"}))

    assert len(list(wire.client.pages(dlq.entries(Filter())))) == 2


def test_the_trace_shows_the_exchange_without_secrets() -> None:
    wire = Wire(answer(201, json={"messageId": "msg_1"}, headers={"Set-Cookie": "s3cret"}))

    wire.client.send(publish(headers=(("Authorization", "s3cret"), ("X-A", "plain"))))

    trace = "\n".join(wire.lines)
    assert "> POST https://qstash.example/v2/publish/https://a.example/x?y=%7E" in trace
    assert "Upstash-Forward-X-A: plain" in trace
    assert "< 201" in trace
    assert TOKEN not in trace
    assert "s3cret" not in trace


@pytest.mark.parametrize("text", ["", "a/b", "..?x"])
def test_an_id_that_changes_the_path_never_becomes_a_request(text: str) -> None:
    with pytest.raises(QstashError, match="id"):
        messages.cancel(text)
