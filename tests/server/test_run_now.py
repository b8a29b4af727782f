"""A waiting message is released at once, for the attempt that was scheduled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
FAR = {"Delay": "1d"}
FAR_RETRY = {"Retries": "1", "Retry-Delay": "86400000"}


class Api:
    """Publishes messages, reads the log and releases messages."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def publish(self, url: str, *, path: str = "publish", **options: str) -> str:
        headers = {f"Upstash-{name}": value for name, value in options.items()}
        response = self.http.post(f"/v2/{path}/{url}", headers=headers)
        return str(response.raise_for_status().json()["messageId"])

    def run_now(self, message_id: str) -> httpx.Response:
        return self.http.post(f"/v2/messages/{message_id}/retry")

    def states(self, message_id: str) -> list[str]:
        entries: list[dict[str, Any]] = self.http.get(
            "/v2/logs", params={"messageId": message_id}
        ).json()["logs"]
        return [entry["state"] for entry in entries][::-1]


@contextmanager
def connected(config: ServerConfig) -> Iterator[Api]:
    """Runs a server and yields a connection to it."""
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    with (
        running_server(config) as url,
        plain_http.Client(base_url=url, headers=headers) as http,
    ):
        yield Api(http)


@pytest.fixture
def api() -> Iterator[Api]:
    with connected(ServerConfig(port=0)) as made:
        yield made


def test_a_delayed_message_is_delivered_at_once(
    api: Api, sink: Sink, eventually: Eventually
) -> None:
    message_id = api.publish(sink.url, **FAR)

    assert api.run_now(message_id).status_code == 200

    eventually(lambda: api.states(message_id) == ["CREATED", "ACTIVE", "DELIVERED"])
    assert sink.received[0].header("upstash-retried") == "0"


def test_a_retry_that_is_run_now_uses_the_scheduled_attempt(
    api: Api, sink: Sink, eventually: Eventually
) -> None:
    sink.statuses = [500]
    message_id = api.publish(sink.url, **FAR_RETRY)
    eventually(lambda: api.states(message_id)[-1] == "RETRY")

    assert api.run_now(message_id).status_code == 200

    eventually(lambda: api.states(message_id)[-1] == "FAILED")
    assert [request.header("upstash-retried") for request in sink.received] == ["0", "1"]
    assert api.run_now(message_id).status_code == 404


def test_the_original_time_of_a_released_message_causes_no_further_attempt(sink: Sink) -> None:
    sink.statuses = [500]
    with connected(ServerConfig(port=0, speed=0)) as api:
        message_id = api.publish(sink.url, Delay="60s", **FAR_RETRY)
        assert api.run_now(message_id).status_code == 200
        moved = api.http.post("/console/api/clock", json={"advance": "120s"}).json()

        assert moved["settled"]
        assert api.states(message_id) == ["CREATED", "ACTIVE", "ERROR", "RETRY"]


def test_a_message_in_flight_cannot_be_released(api: Api, eventually: Eventually) -> None:
    may_end = threading.Event()

    def respond(_request: Received) -> tuple[int, bytes]:
        may_end.wait(60)
        return 200, b""

    with running_endpoint(respond) as endpoint:
        message_id = api.publish(endpoint.url)
        eventually(lambda: "ACTIVE" in api.states(message_id))

        refused = api.run_now(message_id)
        may_end.set()

        assert refused.status_code == 404
        assert refused.json()["error"].startswith(f"message {message_id} is not waiting")
        eventually(lambda: api.states(message_id)[-1] == "DELIVERED")
        assert len(endpoint.received) == 1


def test_finished_cancelled_and_unknown_messages_are_not_found(
    api: Api, sink: Sink, eventually: Eventually
) -> None:
    delivered = api.publish(sink.url)
    cancelled = api.publish(sink.url, **FAR)
    eventually(lambda: api.states(delivered)[-1] == "DELIVERED")
    api.http.delete(f"/v2/messages/{cancelled}").raise_for_status()

    for message_id in (delivered, cancelled, "msg_unknown"):
        refused = api.run_now(message_id)
        assert (refused.status_code, list(refused.json())) == (404, ["error"])
    assert len(sink.received) == 1


def test_a_message_in_a_queue_cannot_be_released(api: Api, sink: Sink) -> None:
    api.http.post("/v2/queues", json={"queueName": "q", "paused": True}).raise_for_status()
    message_id = api.publish(sink.url, path="enqueue/q")

    refused = api.run_now(message_id)

    assert refused.status_code == 400
    assert "queue" in refused.json()["error"]
    assert sink.received == []


def test_a_released_message_is_delivered_after_a_restart(
    tmp_path: Path, sink: Sink, eventually: Eventually
) -> None:
    config = ServerConfig(port=0, db=tmp_path / "db")
    with connected(config) as api:
        # The key is paused, so the message is still waiting when the server stops.
        api.http.post("/v2/flowControl/k/pause").raise_for_status()
        flow = {"Flow-Control-Key": "k", "Flow-Control-Value": "rate=5"}
        message_id = api.publish(sink.url, **FAR, **flow)
        assert api.run_now(message_id).status_code == 200

    with connected(config) as api:
        api.http.post("/v2/flowControl/k/resume").raise_for_status()
        eventually(lambda: api.states(message_id)[-1] == "DELIVERED")
    assert len(sink.received) == 1


def test_a_released_message_obeys_its_flow_control(
    api: Api, sink: Sink, eventually: Eventually
) -> None:
    flow = {"Flow-Control-Key": "k", "Flow-Control-Value": "parallelism=1"}
    api.http.post("/v2/flowControl/k/pause").raise_for_status()
    message_id = api.publish(sink.url, **FAR, **flow)

    assert api.run_now(message_id).status_code == 200

    waiting = "/v2/flowControl/k"
    eventually(lambda: api.http.get(waiting).json()["waitListSize"] == 1)
    # Now the message waits for the rate limit, no longer for its delay.
    assert api.run_now(message_id).status_code == 404
    assert sink.received == []
    api.http.post("/v2/flowControl/k/resume").raise_for_status()
    eventually(lambda: api.states(message_id)[-1] == "DELIVERED")
