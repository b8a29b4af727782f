"""A cancel by filter is a bulk action, which runs in the background in small steps."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.server.services.bulk_cancel import BulkCancels
from tests import plain_http
from tests.server.filling import NOWHERE, fill
from tests.sink import Sink

Eventually = Callable[..., object]
HEADERS = {"Authorization": f"Bearer {DEV_USER.token}"}


@contextmanager
def serving(path: Path | None = None) -> Iterator[httpx.Client]:
    """Runs a server on this database, and yields a connection to it."""
    with (
        running_server(ServerConfig(port=0, db=path)) as url,
        plain_http.Client(base_url=url, headers=HEADERS, timeout=60) as http,
    ):
        yield http


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with serving() as client:
        yield client


@pytest.fixture
def may_cancel(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds actions, once they have begun, until it is set."""
    released = threading.Event()
    cancel_all = BulkCancels._cancel

    async def held(*arguments: Any) -> None:
        while not released.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.01)
        await cancel_all(*arguments)

    monkeypatch.setattr(BulkCancels, "_cancel", held)
    return released


def publish(http: httpx.Client, url: str = NOWHERE, **options: str) -> str:
    headers = {"Upstash-Delay": "1d"} | {f"Upstash-{n}": value for n, value in options.items()}
    response = http.post(f"/v2/publish/{url}", headers=headers).raise_for_status()
    return str(response.json()["messageId"])


def cancel(http: httpx.Client, **form: Any) -> Any:
    response = http.request("DELETE", "/v2/messages", **form)
    assert response.status_code == 202, response.text
    return response.json()


def action(http: httpx.Client, action_id: str) -> Any:
    return http.get(f"/v2/bulkActions/{action_id}").raise_for_status().json()


def is_finished(http: httpx.Client, action_id: str) -> bool:
    return bool(action(http, action_id)["state"] == "FINISHED")


def test_one_request_cancels_every_match_and_waits_for_the_end(tmp_path: Path) -> None:
    fill(tmp_path / "db", 1_100, "nightly", "kept")
    with serving(tmp_path / "db") as http:
        response = cancel(http, params={"label": "nightly", "count": "1"})

        assert response == {"cancelled": 1_100}
        (done,) = http.get("/v2/bulkActions").json()["bulkActions"]
        assert (done["kind"], done["state"]) == ("cancel", "FINISHED")
        assert (done["total"], done["processed"]) == (1_100, 1_100)
        assert done["filter"] == {"label": ["nightly"]}
        assert done["createdAt"] <= done["completedAt"]
        assert cancel(http, params={"label": "nightly"}) == {"cancelled": 0}
        assert cancel(http) == {"cancelled": 1_100}


@pytest.mark.parametrize(
    "form",
    [
        {"params": {"label": "nightly", "async": "true"}},
        {"json": {"label": ["nightly"], "async": True}},
        {"json": {"label": "nightly", "async": "true"}},
    ],
    ids=["query", "body", "text in the body"],
)
def test_an_asynchronous_cancel_immediately_returns_its_action(
    tmp_path: Path, form: dict[str, Any], may_cancel: threading.Event, eventually: Eventually
) -> None:
    fill(tmp_path / "db", 1_000, "nightly")
    with serving(tmp_path / "db") as http:
        response = cancel(http, **form)

        assert set(response) == {"cancelled", "actionId"}
        assert response["cancelled"] == 1_000
        running = action(http, response["actionId"])
        assert (running["state"], running["total"]) == ("IN_PROGRESS", 1_000)
        assert running["processed"] == 0
        assert "completedAt" not in running
        assert running["filter"] == {"label": ["nightly"]}
        may_cancel.set()
        eventually(lambda: is_finished(http, response["actionId"]))
        assert action(http, response["actionId"])["processed"] == 1_000


def test_the_same_filter_joins_the_running_action(
    tmp_path: Path, may_cancel: threading.Event, eventually: Eventually
) -> None:
    fill(tmp_path / "db", 1_000, "a", "b")
    with serving(tmp_path / "db") as http:
        first = cancel(http, params=[("label", "a"), ("label", "b"), ("async", "true")])
        again = cancel(http, params={"label": "b,a", "async": "true"})
        other = cancel(http, params={"label": "a", "async": "true"})

        assert again == first
        assert other["actionId"] != first["actionId"]
        may_cancel.set()
        eventually(lambda: is_finished(http, first["actionId"]))
        eventually(lambda: is_finished(http, other["actionId"]))
        later = cancel(http, params={"label": "a,b", "async": "true"})
        assert later["cancelled"] == 0
        assert later["actionId"] != first["actionId"]


def test_messages_published_after_the_request_are_not_cancelled(
    tmp_path: Path, may_cancel: threading.Event, eventually: Eventually
) -> None:
    fill(tmp_path / "db", 1_000, "a")
    with serving(tmp_path / "db") as http:
        response = cancel(http, params={"label": "a", "async": "true"})
        kept = publish(http, Label="a")
        may_cancel.set()

        eventually(lambda: is_finished(http, response["actionId"]))
        assert http.get(f"/v2/messages/{kept}").status_code == 200


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_cancelling_many_messages_does_not_delay_other_requests(tmp_path: Path, count: int) -> None:
    fill(tmp_path / "db", count, "a")
    with serving(tmp_path / "db") as http:
        responses: list[Any] = []
        cancelling = threading.Thread(
            target=lambda: responses.append(cancel(http, params={"label": "a"}))
        )
        slowest_s, requests = 0.0, 0
        with plain_http.Client(base_url=http.base_url, headers=HEADERS) as other:
            # Client and server are in this process: its CPU time is their work, without pauses.
            started_at = time.process_time()
            cancelling.start()
            while cancelling.is_alive():
                began_at = time.process_time()
                other.get("/v2/keys").raise_for_status()
                slowest_s = max(slowest_s, time.process_time() - began_at)
                requests += 1
            took_s = time.process_time() - started_at
        cancelling.join()

        assert responses == [{"cancelled": count}]
        assert requests > 5
        # A cancel in one step would let a request wait for all of it.
        assert slowest_s < took_s / 3, (slowest_s, took_s)


def test_a_stopped_server_continues_its_actions_after_a_restart(
    tmp_path: Path, eventually: Eventually
) -> None:
    fill(tmp_path / "db", 5_000, "a")
    with serving(tmp_path / "db") as http:
        action_id = cancel(http, params={"label": "a", "async": "true"})["actionId"]

    with serving(tmp_path / "db") as http:
        eventually(lambda: is_finished(http, action_id))
        done = action(http, action_id)
        assert (done["total"], done["processed"]) == (5_000, 5_000)
        cancelled = 0
        cursor: dict[str, str] = {}
        while True:
            page = http.get("/v2/logs", params={"state": "CANCELLED", **cursor}).json()
            cancelled += len(page["logs"])
            if "cursor" not in page:
                break
            cursor = {"cursor": page["cursor"]}
        assert cancelled == 5_000


def test_after_a_bulk_cancel_queue_and_flow_control_key_continue(
    http: httpx.Client, sink: Sink, eventually: Eventually
) -> None:
    http.post("/v2/queues", json={"queueName": "q", "paused": True}).raise_for_status()
    http.post("/v2/flowControl/k/pause").raise_for_status()
    flow = {"Upstash-Flow-Control-Key": "k", "Upstash-Flow-Control-Value": "rate=100"}
    for label in ("stuck", "stuck", "good"):
        marked = {"Upstash-Label": label}
        http.post(f"/v2/enqueue/q/{sink.url}/q", headers=marked).raise_for_status()
        http.post(f"/v2/publish/{sink.url}/k", headers=marked | flow).raise_for_status()
    eventually(lambda: http.get("/v2/flowControl/k").json()["waitListSize"] == 3)

    assert cancel(http, params={"label": "stuck"}) == {"cancelled": 4}

    assert http.get("/v2/flowControl/k").json()["waitListSize"] == 1
    assert http.get("/v2/queues/q").json()["lag"] == 1
    http.post("/v2/queues/q/resume").raise_for_status()
    http.post("/v2/flowControl/k/resume").raise_for_status()
    eventually(lambda: sorted(request.path for request in sink.received) == ["/k", "/q"])


def test_a_state_filters_each_page_of_actions_separately(http: httpx.Client) -> None:
    for label in ("a", "b", "c"):
        cancel(http, params={"label": label})

    page = http.get("/v2/bulkActions", params={"count": "2", "state": "IN_PROGRESS"}).json()
    assert (page["bulkActions"], bool(page["cursor"])) == ([], True)
    rest = http.get("/v2/bulkActions", params={"cursor": page["cursor"], "state": "finished"})

    assert [one["filter"] for one in rest.json()["bulkActions"]] == [{"label": ["a"]}]
    assert "cursor" not in rest.json()


def test_an_unknown_filter_cancels_nothing(http: httpx.Client) -> None:
    publish(http)

    refused = http.delete("/v2/messages", params={"labeel": "a", "async": "true"})

    assert refused.status_code == 400
    assert http.get("/v2/bulkActions").json()["bulkActions"] == []
    assert cancel(http) == {"cancelled": 1}


@pytest.mark.parametrize("wanted", [{"queueName": "orders"}, {"label": "nightly"}])
def test_messages_without_the_filtered_field_are_left_alone(
    http: httpx.Client, wanted: dict[str, str]
) -> None:
    publish(http)
    http.post("/v2/queues", json={"queueName": "orders", "paused": True}).raise_for_status()
    headers = {"Upstash-Label": "nightly"}
    http.post(f"/v2/enqueue/orders/{NOWHERE}", headers=headers).raise_for_status()

    assert cancel(http, params=wanted) == {"cancelled": 1}
