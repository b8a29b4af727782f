"""A program written for QStash with its official SDK runs unchanged against `qstash dev`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from qstash import QStash

from tests import plain_http
from tests.conformance.conftest import to_one
from tests.e2e.conftest import Dev
from tests.sink import Sink

Eventually = Callable[..., object]
StartDev = Callable[..., Dev]


@pytest.fixture
def dev(start_dev: StartDev) -> Dev:
    return start_dev("--port", "0", "--clock", "manual")


@pytest.fixture
def sdk(dev: Dev) -> Iterator[QStash]:
    client = QStash(dev.env["QSTASH_TOKEN"], base_url=dev.url, retry=False)
    yield client
    client.http._client.close()


def _move(dev: Dev, **action: str | bool) -> None:
    """Moves the clock, and returns once everything that is due by then has been delivered."""
    headers = {"Authorization": f"Bearer {dev.env['QSTASH_TOKEN']}"}
    response = plain_http.post(f"{dev.url}/console/api/clock", json=action, headers=headers)
    assert response.json()["settled"], response.text


def _at(sink: Sink, path: str) -> list[bytes]:
    return [request.body for request in sink.received if request.path == path]


def test_a_group_of_three_endpoints(sdk: QStash, sink: Sink, eventually: Eventually) -> None:
    urls = [f"{sink.url}/group/{letter}" for letter in "abc"]
    sdk.url_group.upsert_endpoints("team", [{"url": url} for url in urls])
    sdk.message.publish_json(url_group="team", body={"hello": "all"})
    eventually(lambda: all(_at(sink, f"/group/{letter}") for letter in "abc"))
    assert [request.body for request in sink.received] == [b'{"hello": "all"}'] * 3


def test_a_queue(sdk: QStash, sink: Sink, eventually: Eventually) -> None:
    sdk.queue.upsert("orders", parallelism=1)
    for number in range(20):
        sdk.message.enqueue(queue="orders", url=f"{sink.url}/queue", body=str(number))
    eventually(lambda: len(_at(sink, "/queue")) == 20)
    assert _at(sink, "/queue") == [str(number).encode() for number in range(20)]


def test_a_schedule(dev: Dev, sdk: QStash, sink: Sink) -> None:
    schedule_id = sdk.schedule.create(destination=f"{sink.url}/tick", cron="* * * * *", body="tick")
    assert _at(sink, "/tick") == []
    for minute in range(1, 4):
        _move(dev, advance="1m")
        assert _at(sink, "/tick") == [b"tick"] * minute
    assert sdk.schedule.get(schedule_id).last_schedule_states
    sdk.schedule.delete(schedule_id)


def test_a_rate_limit(dev: Dev, sdk: QStash, sink: Sink) -> None:
    for number in range(30):
        sdk.message.publish(
            url=f"{sink.url}/rate", body=str(number),
            flow_control={"key": "api", "rate": 5, "period": "1s"},
        )  # fmt: skip
    _move(dev, settle=True)
    delivered = [len(_at(sink, "/rate"))]
    for _ in range(6):
        _move(dev, advance="1s")
        delivered.append(len(_at(sink, "/rate")))
    assert delivered == [5, 10, 15, 20, 25, 30, 30]


def test_content_based_deduplication(sdk: QStash, sink: Sink) -> None:
    published = [
        to_one(
            sdk.message.publish(
                url=f"{sink.url}/same", body="same", content_based_deduplication=True, delay="1h"
            )
        )
        for _ in range(2)
    ]
    assert published[0].message_id == published[1].message_id
    assert published[1].deduplicated is True


def test_cancel_by_label(sdk: QStash, sink: Sink) -> None:
    for label in ("nightly", "nightly", "other"):
        sdk.message.publish(url=f"{sink.url}/never", delay="30d", label=label)
    response = sdk.http.request(path="/v2/messages", method="DELETE", params={"label": "nightly"})
    assert response == {"cancelled": 2}
    assert _at(sink, "/never") == []


def test_a_failure_callback(sdk: QStash, sink: Sink, eventually: Eventually) -> None:
    sink.statuses = [500, 200]
    sdk.message.publish(url=f"{sink.url}/refuses", retries=0, failure_callback=f"{sink.url}/failed")
    eventually(lambda: _at(sink, "/failed"))
    output = json.loads(_at(sink, "/failed")[0])
    assert output["status"] == 500
    assert [entry.dlq_id for entry in sdk.dlq.list().messages] == [output["dlqId"]]
