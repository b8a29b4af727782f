"""Deliveries to a destination, and the fate of messages that it rejects."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.sink import Sink

Eventually = Callable[[Callable[[], object]], object]
AUTHORISED = {"Authorization": f"Bearer {DEV_USER.token}"}


class Api:
    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def publish(self, url: str, body: bytes = b"", path: str = "publish", **options: str) -> str:
        headers = AUTHORISED | {
            f"Upstash-{name.replace('_', '-')}": value for name, value in options.items()
        }
        request = self.http.build_request(
            "POST", "/", headers=headers, content=body,
            extensions={"target": f"/v2/{path}/{url}".encode()},
        )  # fmt: skip
        response = self.http.send(request)
        assert response.is_success, response.text
        message_id: str = response.json()["messageId"]
        return message_id

    def get(self, path: str, **query: str) -> Any:
        return self.http.get(path, params=query, headers=AUTHORISED).json()

    def states(self, message_id: str) -> list[str]:
        entries = self.get("/v2/logs", messageId=message_id)["logs"]
        return [entry["state"] for entry in entries][::-1]


@pytest.fixture
def api(server_url: str) -> Iterator[Api]:
    with plain_http.Client(base_url=server_url) as client:
        yield Api(client)


def test_the_destination_receives_the_given_url_and_headers(
    api: Api, sink: Sink, eventually: Eventually
) -> None:
    api.publish(
        f"{sink.url}/a//b/%7e?x=1&upstash-retries=0&y=%20", b"\x00\xff", Forward_x_ID="7",
        Method="PATCH",
    )  # fmt: skip
    eventually(lambda: sink.received)

    (request,) = sink.received
    names = [name for name, _ in request.headers]
    assert (request.method, request.path) == ("PATCH", "/a//b/%7e?x=1&y=%20")
    assert request.body == b"\x00\xff"
    assert request.header("x-id") == "7"
    assert request.header("user-agent") == "Upstash-QStash"
    assert not {"accept", "accept-encoding", "authorization", "content-type"} & set(names)


def test_options_may_be_in_the_query(api: Api, sink: Sink, eventually: Eventually) -> None:
    sink.statuses = [500]
    message_id = api.publish(f"{sink.url}/?upstash-retries=0&a=b")

    eventually(lambda: "FAILED" in api.states(message_id))

    assert [r.path for r in sink.received] == ["/?a=b"]


def test_a_489_with_the_header_ends_the_retries(api: Api, eventually: Eventually) -> None:
    with raw_endpoint(b"HTTP/1.1 489 No\r\nUpstash-NonRetryable-Error: true\r\n") as (url, seen):
        message_id = api.publish(url, Retries="5", Retry_Delay="1")
        eventually(lambda: "FAILED" in api.states(message_id))

    assert len(seen) == 1
    assert api.states(message_id) == ["CREATED", "ACTIVE", "ERROR", "FAILED"]


def test_a_destination_can_delay_its_retry(api: Api, eventually: Eventually) -> None:
    with raw_endpoint(b"HTTP/1.1 503 Wait\r\nRetry-After: 0\r\n") as (url, seen):
        message_id = api.publish(url, Retries="1", Retry_Delay="3600000")
        eventually(lambda: "FAILED" in api.states(message_id))

    assert len(seen) == 2


def test_a_redirect_is_a_failure(api: Api, sink: Sink, eventually: Eventually) -> None:
    location = f"HTTP/1.1 302 Found\r\nLocation: {sink.url}\r\n".encode()
    with raw_endpoint(location) as (url, _):
        message_id = api.publish(url, Retries="0")
        eventually(lambda: "FAILED" in api.states(message_id))

    assert sink.received == []


def test_a_slow_destination_times_out(api: Api, eventually: Eventually) -> None:
    with raw_endpoint(b"") as (url, _):
        message_id = api.publish(url, Retries="0", Timeout="1s")
        eventually(lambda: "FAILED" in api.states(message_id))

    (entry,) = api.get("/v2/dlq")["messages"]
    assert (entry["responseStatus"], entry["responseBody"]) == (0, "no complete response within 1s")


def test_callbacks_report_every_attempt_and_failure_callbacks_the_end(
    api: Api, eventually: Eventually
) -> None:
    def respond(request: Received) -> tuple[int, bytes]:
        return (500, b"no paper") if request.path == "/work" else (200, b"")

    with running_endpoint(respond) as endpoint:
        message_id = api.publish(
            f"{endpoint.url}/work", b"print", Retries="1", Retry_Delay="1",
            Callback=f"{endpoint.url}/done", Failure_Callback=f"{endpoint.url}/failed",
            Callback_Forward_Tenant="t1", Content_Based_Deduplication="True",
        )  # fmt: skip
        eventually(lambda: len(endpoint.received) == 5)

    done = [r for r in endpoint.received if r.path == "/done"]
    (failed,) = [r for r in endpoint.received if r.path == "/failed"]
    reports = sorted((json.loads(r.body) for r in done), key=lambda r: r.get("retried", 0))
    assert [r.get("retried") for r in reports] == [None, 1]
    assert {r.header("tenant") for r in done} == {"t1"}
    assert {r["sourceMessageId"] for r in reports} == {message_id}
    assert b64decode(reports[0]["body"]) == b"no paper"
    assert b64decode(reports[0]["sourceBody"]) == b"print"
    assert (reports[0]["status"], reports[0]["maxRetries"]) == (500, 1)
    assert isinstance(reports[0]["createdAt"], int)
    report = json.loads(failed.body)
    assert report["dlqId"] == api.get("/v2/dlq")["messages"][0]["dlqId"]
    assert failed.header("content-type") == "application/json"
    assert failed.header("upstash-message-id") != message_id


@pytest.mark.parametrize("form", ["header", "headers"])
def test_all_headers_are_redacted_in_either_spelling(
    api: Api, sink: Sink, eventually: Eventually, form: str
) -> None:
    message_id = api.publish(sink.url, Forward_X_Key="s3cr3t", Redact_Fields=form)
    eventually(lambda: "DELIVERED" in api.states(message_id))

    assert "s3cr3t" not in json.dumps(api.get("/v2/logs", messageId=message_id))
    assert sink.received[0].header("x-key") == "s3cr3t"


@pytest.mark.parametrize("form", ["header[X-Key]", "headers[x-key]"])
def test_redacted_fields_are_hidden_everywhere_but_delivered(
    api: Api, sink: Sink, eventually: Eventually, form: str
) -> None:
    sink.statuses = [500]
    message_id = api.publish(
        sink.url, b"my secret", Retries="0", Forward_X_Key="s3cr3t", Forward_X_Open="seen",
        Redact_Fields=f"body,{form}",
    )  # fmt: skip
    eventually(lambda: "FAILED" in api.states(message_id))

    shown = json.dumps([api.get(p) for p in ("/v2/logs", "/v2/dlq", f"/v2/messages/{message_id}")])
    assert "my secret" not in shown
    assert "s3cr3t" not in shown
    assert "seen" in shown
    assert "REDACTED:" in shown
    assert (sink.received[0].body, sink.received[0].header("x-key")) == (b"my secret", "s3cr3t")


def test_a_queue_delivers_in_order_one_at_a_time(
    api: Api, sink: Sink, eventually: Eventually
) -> None:
    sink.statuses = [500, 200]
    for number in range(20):
        api.publish(sink.url, str(number).encode(), "enqueue/q", Retry_Delay="10")

    eventually(lambda: len(sink.received) == 21)

    assert [r.body for r in sink.received] == [b"0", *(str(n).encode() for n in range(20))]


def test_the_deduplication_window_ends_after_ten_minutes(sink: Sink) -> None:
    with (
        running_server(ServerConfig(port=0, speed=0)) as url,
        plain_http.Client(base_url=url, headers=AUTHORISED) as http,
    ):
        api = Api(http)

        def publish_after(duration: str) -> str:
            http.post("/console/api/clock", json={"advance": duration}).raise_for_status()
            return api.publish(sink.url, Deduplication_Id="d")

        first = publish_after("0s")
        assert publish_after("9m59s") == first
        assert publish_after("2s") != first


def test_bulk_cancels_accept_filters_in_either_form(api: Api, sink: Sink) -> None:
    for label in ("a", "a", "b", "c"):
        api.publish(f"{sink.url}/{label}", Delay="1h", Label=label)

    def cancel(**form: Any) -> int:
        response = api.http.request("DELETE", "/v2/messages", headers=AUTHORISED, **form)
        count: int = response.json()["cancelled"]
        return count

    # The server ignores the count: one request cancels every match.
    assert cancel(params={"label": "a", "count": "1"}) == 2
    assert cancel(json={"label": ["a"]}) == 0
    assert cancel(params={"path": "/b", "host": "127.0.0.1"}) == 1
    assert cancel(params={"label": "nothing"}) == 0
    assert cancel() == 1


def test_pages_of_the_log_are_contiguous(api: Api, sink: Sink, eventually: Eventually) -> None:
    ids = [api.publish(sink.url) for _ in range(5)]
    eventually(lambda: len(api.get("/v2/logs", state="DELIVERED")["logs"]) == 5)

    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("/v2/events", count="4", order="earliestFirst", **cursor)
        seen += page["events"]
        if "cursor" not in page:
            break
        cursor = {"cursor": page["cursor"]}

    assert len(seen) == 15
    assert [e["messageId"] for e in seen if e["state"] == "CREATED"] == ids
    grouped = api.get("/v2/logs", groupBy="messageId", count="2")["messages"]
    assert {group["messageId"] for group in grouped} <= set(ids)
    assert [len(group["events"]) for group in grouped] == [3, 3]


def test_all_data_is_available_after_a_restart(
    sink: Sink, tmp_path: Path, eventually: Eventually
) -> None:
    config = ServerConfig(port=0, db=tmp_path / "db")
    with running_server(config) as url, plain_http.Client(base_url=url) as http:
        waiting = Api(http).publish(sink.url, b"later", Delay="1h")
        rotated = http.post("/v2/keys/rotate", headers=AUTHORISED).json()
    with (
        running_server(config) as url,
        plain_http.Client(base_url=url) as http,
    ):
        api = Api(http)
        assert api.get(f"/v2/messages/{waiting}")["body"] == "later"
        assert api.get("/v2/keys") == rotated
        assert sink.received == []

        done = api.publish(sink.url, b"now")
        eventually(lambda: api.states(done)[-1] == "DELIVERED")


def raw_endpoint(head: bytes) -> Any:
    """Runs an endpoint that responds with these lines, or does not respond without lines."""
    import contextlib
    import socketserver
    import threading

    @contextlib.contextmanager
    def serve() -> Iterator[tuple[str, list[bytes]]]:
        seen: list[bytes] = []
        over = threading.Event()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                seen.append(self.request.recv(65_536))
                if head:
                    self.request.sendall(head + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
                else:
                    over.wait(60)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/", seen
            finally:
                over.set()
                server.shutdown()
                thread.join()

    return serve()
