"""A cancelled message keeps its place until its attempt ends, and its log has the outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.stopping import stopped_later

Eventually = Callable[[Callable[[], object]], object]


@dataclass
class Destination:
    """A destination. Responds to `/slow` with `status` once it is released, to others at once."""

    endpoint: LocalEndpoint = field(default_factory=lambda: LocalEndpoint(""))
    status: int = 200
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.endpoint.received]

    def url(self, path: str) -> str:
        return f"{self.endpoint.url}/{path}"

    def respond(self, request: Received) -> tuple[int, bytes]:
        if request.path != "/slow":
            return 200, b""
        self.released.wait(60)
        return self.status, b""


@pytest.fixture
def destination() -> Iterator[Destination]:
    made = Destination()
    with stopped_later(running_endpoint(made.respond)) as endpoint:
        made.endpoint = endpoint
        yield made
        made.released.set()


@contextmanager
def client(url: str) -> Iterator[httpx.Client]:
    token = {"Authorization": f"Bearer {DEV_USER.token}"}
    with plain_http.Client(base_url=url, headers=token) as http:
        yield http


@pytest.fixture
def http(server_url: str) -> Iterator[httpx.Client]:
    with client(server_url) as made:
        yield made


def publish(http: httpx.Client, url: str, **options: str) -> str:
    headers = {f"Upstash-{name.replace('_', '-')}": value for name, value in options.items()}
    response = http.post(f"/v2/publish/{url}", headers=headers).raise_for_status()
    message_id: str = response.json()["messageId"]
    return message_id


def states(http: httpx.Client, message_id: str) -> list[str]:
    entries = http.get("/v2/logs", params={"messageId": message_id}).json()["logs"]
    return [entry["state"] for entry in entries][::-1]


def cancel_by_id(http: httpx.Client, message_id: str) -> None:
    http.delete(f"/v2/messages/{message_id}").raise_for_status()


def cancel_by_list(http: httpx.Client, message_id: str) -> None:
    response = http.request("DELETE", "/v2/messages", json={"messageIds": [message_id]})
    assert response.json()["cancelled"] == 1


def cancel_by_filter(http: httpx.Client, _message_id: str) -> None:
    http.delete("/v2/messages", params={"path": "/slow"}).raise_for_status()


def delete_queue(http: httpx.Client, _message_id: str) -> None:
    http.delete("/v2/queues/orders").raise_for_status()


Cancel = Callable[[httpx.Client, str], None]
CANCELS = [cancel_by_id, cancel_by_list, cancel_by_filter, delete_queue]


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("cancel", CANCELS)
def test_a_queue_delivers_its_next_message_after_the_cancelled_attempt(
    http: httpx.Client,
    destination: Destination,
    eventually: Eventually,
    cancel: Cancel,
    status: int,
) -> None:
    destination.status = status
    first = publish(http, destination.url("slow"), Queue_Name="orders")
    publish(http, destination.url("next"), Queue_Name="orders")
    eventually(lambda: "/slow" in destination.paths)

    cancel(http, first)
    if cancel is delete_queue:
        publish(http, destination.url("next"), Queue_Name="orders")
    publish(http, destination.url("unrelated"))
    eventually(lambda: "/unrelated" in destination.paths)
    while_in_flight = list(destination.paths)
    destination.released.set()
    eventually(lambda: "/next" in destination.paths)

    outcome = ["DELIVERED"] if status == 200 else ["ERROR", "CANCELLED"]
    assert "/next" not in while_in_flight
    assert states(http, first) == ["CREATED", "ACTIVE", "CANCEL_REQUESTED", *outcome]
    assert destination.paths.count("/slow") == 1
    assert destination.paths.count("/next") == 1
    assert http.get("/v2/dlq").json()["messages"] == []


@pytest.mark.parametrize("cancel", CANCELS[:3])
def test_a_flow_control_key_counts_the_cancelled_attempt_until_it_ends(
    http: httpx.Client, destination: Destination, eventually: Eventually, cancel: Cancel
) -> None:
    flow = {"Flow_Control_Key": "k", "Flow_Control_Value": "parallelism=1"}
    first = publish(http, destination.url("slow"), **flow)
    publish(http, destination.url("next"), **flow)
    eventually(lambda: "/slow" in destination.paths)

    cancel(http, first)
    publish(http, destination.url("unrelated"))
    eventually(lambda: "/unrelated" in destination.paths)
    key: dict[str, Any] = http.get("/v2/flowControl/k").json()
    destination.released.set()
    eventually(lambda: "/next" in destination.paths)

    assert (key["parallelismCount"], key["waitListSize"]) == (1, 1)
    assert states(http, first)[-2:] == ["CANCEL_REQUESTED", "DELIVERED"]


def test_the_callback_of_a_message_delivered_after_its_cancel_is_sent(
    http: httpx.Client, destination: Destination, eventually: Eventually
) -> None:
    first = publish(http, destination.url("slow"), Callback=destination.url("callback"))
    eventually(lambda: "/slow" in destination.paths)

    cancel_by_id(http, first)
    destination.released.set()

    eventually(lambda: "/callback" in destination.paths)
    assert states(http, first)[-2:] == ["CANCEL_REQUESTED", "DELIVERED"]
    assert destination.paths.count("/callback") == 1


@pytest.mark.parametrize("status", [200, 500])
def test_a_message_cancelled_in_flight_cannot_be_read_or_cancelled_again(
    http: httpx.Client, destination: Destination, eventually: Eventually, status: int
) -> None:
    destination.status = status
    first = publish(http, destination.url("slow"))
    eventually(lambda: "/slow" in destination.paths)

    cancel_by_id(http, first)
    read, again = http.get(f"/v2/messages/{first}"), http.delete(f"/v2/messages/{first}")

    assert (read.status_code, again.status_code) == (404, 404)


def test_a_message_cancelled_before_a_retry_is_cancelled_at_once(
    http: httpx.Client, destination: Destination, eventually: Eventually
) -> None:
    destination.status = 500
    destination.released.set()
    first = publish(http, destination.url("slow"), Retries="3", Retry_Delay="3600000")
    eventually(lambda: "RETRY" in states(http, first))

    cancel_by_id(http, first)

    assert states(http, first)[-2:] == ["CANCEL_REQUESTED", "CANCELLED"]


def test_a_restart_completes_the_cancel_of_an_attempt_that_was_in_flight(
    tmp_path: Path, destination: Destination, eventually: Eventually
) -> None:
    config = ServerConfig(port=0, db=tmp_path / "db")
    with running_server(config) as url, client(url) as http:
        first = publish(http, destination.url("slow"), Queue_Name="orders")
        publish(http, destination.url("next"), Queue_Name="orders")
        eventually(lambda: "/slow" in destination.paths)
        cancel_by_id(http, first)
        assert states(http, first)[-1] == "CANCEL_REQUESTED"

    with running_server(config) as url, client(url) as http:
        eventually(lambda: "/next" in destination.paths)
        assert states(http, first)[-2:] == ["CANCEL_REQUESTED", "CANCELLED"]
    assert destination.paths.count("/slow") == 1
