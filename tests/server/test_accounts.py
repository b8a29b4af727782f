"""The four development users: each has its own token, signing keys and data."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from qstash import Receiver

from qstash_cli.protocol.dev_credentials import DEV_USERS, Credentials
from qstash_cli.protocol.limits import PLANS
from qstash_cli.server.http import app
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.conformance.operations import OPERATIONS, Operation
from tests.sink import Sink
from tests.stopping import stopped_later

Eventually = Callable[..., object]
NOWHERE = "http://127.0.0.1:9/"
LATER = {"Upstash-Delay": "1d", "Upstash-Deduplication-Id": "once"}
LISTS = (
    "messages/{message}", "logs", "events", "dlq", "queues", "schedules", "topics", "flowControl",
    "bulkActions", "keys",
)  # fmt: skip
OWNER, OTHER = DEV_USERS[1], DEV_USERS[2]


def client(url: str, user: Credentials) -> httpx.Client:
    headers = {"Authorization": f"Bearer {user.token}"}
    return plain_http.Client(base_url=f"{url}/v2", headers=headers)


@pytest.fixture
def server_url() -> Iterator[str]:
    """A server whose clock stands still, so that no schedule fires."""
    with stopped_later(running_server(ServerConfig(port=0, speed=0))) as url:
        yield url


@pytest.fixture
def owner(server_url: str) -> Iterator[httpx.Client]:
    with client(server_url, OWNER) as http:
        yield http


@pytest.fixture
def other(server_url: str) -> Iterator[httpx.Client]:
    with client(server_url, OTHER) as http:
        yield http


def fill(http: httpx.Client, eventually: Eventually) -> dict[str, str]:
    """Creates one resource of every kind, and returns the names for the paths of operations."""
    http.post("topics/t/endpoints", json={"endpoints": [{"url": f"{NOWHERE}group"}]})
    http.post("queues", json={"queueName": "q", "parallelism": 3})
    http.post("queues/q/pause")
    http.post(f"enqueue/q/{NOWHERE}queued")
    http.post("flowControl/f/pin?rate=7")
    daily = {"Upstash-Cron": "@daily", "Upstash-Schedule-Id": "s"}
    http.post(f"schedules/{NOWHERE}scheduled", headers=daily)
    later = LATER | {"Upstash-Label": "x"}
    message = http.post(f"publish/{NOWHERE}later", headers=later).json()["messageId"]
    http.post(f"publish/{NOWHERE}lost", headers={"Upstash-Retries": "0", "Upstash-Label": "x"})
    http.request("DELETE", "messages", params={"label": "no-such-label"})
    eventually(lambda: http.get("dlq").json()["messages"])
    actions = http.get("bulkActions").json()["bulkActions"]
    return {
        "message": message, "queue": "q", "topic": "t", "schedule": "s", "flow": "f",
        "dlq": http.get("dlq").json()["messages"][0]["dlqId"], "action": actions[0]["actionId"],
        "destination": NOWHERE,
    }  # fmt: skip


def everything(http: httpx.Client, names: dict[str, str]) -> dict[str, Any]:
    return {path: http.get(path.format(**names)).json() for path in LISTS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_no_operation_reads_or_changes_data_of_another_user(
    owner: httpx.Client, other: httpx.Client, eventually: Eventually, operation: Operation
) -> None:
    names = fill(owner, eventually)
    before = everything(owner, names)
    path = operation.path.removeprefix("/v2/").format(**names)
    body = {"endpoints": [{"url": f"{NOWHERE}group"}], "queueName": "q", "headers": {"A": "b"}}

    made = other.request(
        operation.method, path, json=None if operation.method == "GET" else body,
        headers={"Upstash-Cron": "@daily"} if "schedules/" in operation.path else {},
    )  # fmt: skip

    assert everything(owner, names) == before
    assert made.status_code not in {401, 405, 500}, made.text
    if re.search(r"\{(message|dlq|action|schedule)\}", operation.path):
        assert made.status_code == 404, made.text
    if operation.method == "GET" and "{" not in operation.path and "keys" not in path:
        assert not re.search(r"http://127|\"q\"|\"s\"|\"f\"|bulk_", made.text)
        assert made.json() in (
            [], {"messages": []}, {"bulkActions": []}, {"logs": [], "events": []},
            {"parallelismMax": 100, "parallelismCount": 0},
        )  # fmt: skip


def test_one_users_group_is_unknown_to_another(owner: httpx.Client, other: httpx.Client) -> None:
    owner.post("topics/t/endpoints", json={"endpoints": [{"url": NOWHERE}]})

    assert owner.post("publish/t").status_code == 201
    assert other.post("publish/t").json() == {"error": "topic t not found"}


def test_a_deduplication_id_applies_only_to_its_user(
    owner: httpx.Client, other: httpx.Client
) -> None:
    first = [http.post(f"publish/{NOWHERE}", headers=LATER) for http in (owner, other)]
    again = [http.post(f"publish/{NOWHERE}", headers=LATER) for http in (owner, other)]

    assert [one.status_code for one in first + again] == [201, 201, 202, 202]
    assert first[0].json()["messageId"] != first[1].json()["messageId"]
    assert [one.json()["messageId"] for one in again] == [one.json()["messageId"] for one in first]


@pytest.mark.parametrize("user", DEV_USERS, ids=lambda user: user.name)
def test_deliveries_are_signed_with_the_keys_of_their_user(
    server_url: str, sink: Sink, eventually: Eventually, user: Credentials
) -> None:
    others = [one for one in DEV_USERS if one is not user]
    with client(server_url, user) as http:
        keys = http.get("keys").json()
        http.post(f"publish/{sink.url}/hook", content=b"x")
        # A rotation changes only the keys of its user.
        rotated = http.post("keys/rotate").json()
    eventually(lambda: sink.received)

    assert keys == {"current": user.current_signing_key, "next": user.next_signing_key}
    assert rotated["current"] == user.next_signing_key
    token = sink.received[0].header("upstash-signature")
    receiver = Receiver(user.current_signing_key, user.next_signing_key)
    receiver.verify(signature=token, body="x", url=f"{sink.url}/hook")
    for one in others:
        with client(server_url, one) as http:
            assert http.get("keys").json()["current"] == one.current_signing_key


@pytest.mark.parametrize("user", DEV_USERS, ids=lambda user: user.name)
def test_a_token_in_the_query_selects_its_user(server_url: str, user: Credentials) -> None:
    token = {"qstash_token": user.token}
    made = plain_http.post(f"{server_url}/v2/publish/{NOWHERE}", params=token, headers=LATER)

    assert made.status_code == 201
    for one in DEV_USERS:
        with client(server_url, one) as http:
            assert len(http.get("logs").json()["logs"]) == (one is user)


def test_daily_quota_and_burst_are_counted_for_each_user(monkeypatch: pytest.MonkeyPatch) -> None:
    # All requests are sent in the same second.
    monkeypatch.setattr(app, "time", SimpleNamespace(time=lambda: 1_900_000_000.0))
    limits = PLANS["free"]._replace(messages_per_day=3, requests_per_s=5)
    with (
        running_server(ServerConfig(port=0, limits=limits, speed=0)) as url,
        client(url, OWNER) as owner,
        client(url, OTHER) as other,
    ):
        statuses = [owner.post(f"publish/{NOWHERE}").status_code for _ in range(4)]
        bursts = [owner.get("queues").status_code for _ in range(6)]

        assert statuses == [201, 201, 201, 429]
        assert bursts == [200] * 5 + [429]
        assert other.get("queues").status_code == 200
        assert other.post(f"publish/{NOWHERE}").status_code == 201


def test_parallelism_is_counted_for_each_user(eventually: Eventually, sink: Sink) -> None:
    # A destination that never responds occupies all places of one user.
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        running_server(ServerConfig(port=0, limits=PLANS["free"])) as url,
        client(url, OWNER) as owner,
        client(url, OTHER) as other,
    ):
        stuck = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        for number in range(10):
            owner.post(f"publish/{stuck}{number}", headers={"Upstash-Timeout": "10m"})
        other.post(f"publish/{sink.url}")

        eventually(lambda: sink.received)
        assert other.get("globalParallelism").json()["parallelismMax"] == 10


def test_concurrent_requests_open_an_account_only_once(server_url: str) -> None:
    def publish(number: int) -> int:
        with client(server_url, OWNER) as http:
            return http.post(
                f"publish/{NOWHERE}{number}", headers={"Upstash-Delay": "1d"}
            ).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(publish, range(48)))

    with client(server_url, OWNER) as http:
        assert set(statuses) == {201}
        assert len(http.get("logs").json()["logs"]) == 48
