"""Every method of the official Python SDK, sync and async."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qstash import AsyncQStash, QStash
from qstash.log import LogState

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.sink import Sink

Eventually = Callable[..., object]
_APIS = (
    "message", "url_group", "queue", "schedule", "signing_key", "log", "dlq", "flow_control",
)  # fmt: skip


class Caller:
    """Calls methods of a sync or async SDK client, and records which were called."""

    def __init__(self, sdk: Any, settle: Callable[[Any], Any]) -> None:
        self.sdk = sdk
        self.settle = settle
        self.called: set[str] = set()

    def __call__(self, name: str, *args: Any, **named: Any) -> Any:
        self.called.add(name)
        api, method = name.split(".")
        return self.settle(getattr(getattr(self.sdk, api), method)(*args, **named))

    @property
    def all_methods(self) -> set[str]:
        return {
            f"{api}.{name}"
            for api in _APIS
            for name, _ in inspect.getmembers(getattr(self.sdk, api), inspect.ismethod)
            if not name.startswith("_")
        }


@pytest.fixture(params=["sync", "async"])
def sdk(request: pytest.FixtureRequest, server_url: str) -> Iterator[Caller]:
    if request.param == "sync":
        client = QStash(DEV_USER.token, base_url=server_url, retry=False)
        yield Caller(client, lambda result: result)
        client.http._client.close()
        return
    with asyncio.Runner() as runner:

        async def settled(result: Any) -> Any:
            return await result

        async def make() -> AsyncQStash:
            return AsyncQStash(DEV_USER.token, base_url=server_url, retry=False)

        asynchronous = runner.run(make())
        yield Caller(asynchronous, lambda result: runner.run(settled(result)))
        runner.run(asynchronous.http._client.aclose())


def test_every_method_works(sdk: Caller, sink: Sink, eventually: Eventually) -> None:
    _messages(sdk, sink, eventually)
    _groups_and_queues(sdk, sink)
    _schedules(sdk, sink)
    _flows(sdk, sink)
    _dlq(sdk, sink, eventually)
    keys = sdk("signing_key.get")
    assert sdk("signing_key.rotate").current == keys.next

    assert sdk.called == sdk.all_methods


def _messages(sdk: Caller, sink: Sink, eventually: Eventually) -> None:
    sdk("message.publish", url=sink.url, body="a")
    sdk("message.publish_json", url=sink.url, body={"b": 1}, label="x")
    sdk("message.enqueue", queue="q", url=sink.url, body="c")
    sdk("message.enqueue_json", queue="q", url=sink.url, body={"d": 1})
    sdk("message.batch", [{"url": sink.url, "body": "e"}, {"url": sink.url, "queue": "q"}])
    sdk("message.batch_json", [{"url": sink.url, "body": {"f": 1}}])
    eventually(lambda: len(sink.received) == 7)
    eventually(lambda: len(sdk("log.list", filter={"state": LogState.DELIVERED}).logs) == 7)
    assert {r.body for r in sink.received} >= {b"a", b'{"b": 1}', b"c", b"e", b'{"f": 1}'}
    ids = [
        sdk("message.publish", url=sink.url, delay="1h", label="later").message_id for _ in range(5)
    ]
    assert sdk("message.get", ids[0]).label == "later"
    sdk("message.cancel", ids[0])
    assert sdk("message.cancel_many", ids[1:3]) == 2
    assert sdk("message.cancel_all") == 2


def _groups_and_queues(sdk: Caller, sink: Sink) -> None:
    sdk("url_group.upsert_endpoints", "g", [{"url": sink.url}, {"url": f"{sink.url}/2"}])
    assert len(sdk("url_group.get", "g").endpoints) == 2
    sdk("url_group.remove_endpoints", "g", [{"url": sink.url}])
    assert [group.name for group in sdk("url_group.list")] == ["g"]
    sdk("url_group.delete", "g")
    assert sdk("url_group.list") == []
    sdk("queue.upsert", "p", parallelism=2)
    sdk("queue.pause", "p")
    assert sdk("queue.get", "p").paused is True
    sdk("queue.resume", "p")
    assert [queue.name for queue in sdk("queue.list")] == ["p", "q"]
    sdk("queue.delete", "p")
    assert [queue.name for queue in sdk("queue.list")] == ["q"]


def _schedules(sdk: Caller, sink: Sink) -> None:
    made = sdk("schedule.create", destination=sink.url, cron="0 0 1 1 *", schedule_id="s")
    sdk("schedule.create_json", destination=sink.url, cron="0 0 1 1 *", body={"a": 1})
    assert made == "s"
    sdk("schedule.pause", "s")
    assert sdk("schedule.get", "s").paused is True
    sdk("schedule.resume", "s")
    sdk("schedule.delete", "s")
    assert [schedule.body for schedule in sdk("schedule.list")] == ['{"a": 1}']


def _flows(sdk: Caller, sink: Sink) -> None:
    sdk("message.publish", url=sink.url, delay="1h", flow_control={"key": "k", "rate": 5})
    sdk("flow_control.pause", "k")
    sdk("flow_control.pin", "k", {"rate": 9, "parallelism": 3})
    pinned = sdk("flow_control.get", "k")
    assert (pinned.rate_max, pinned.parallelism_max, pinned.is_paused) == (9, 3, True)
    sdk("flow_control.unpin", "k", {"rate": True, "parallelism": True})
    sdk("flow_control.reset_rate", "k")
    sdk("flow_control.resume", "k")
    assert sdk("flow_control.get", "k").is_pinned_rate is False
    assert sdk("flow_control.get_global_parallelism").parallelism_max > 0


def _dlq(sdk: Caller, sink: Sink, eventually: Eventually) -> None:
    sink.statuses = [500]
    for _ in range(3):
        sdk("message.publish", url=sink.url, retries=0)
    eventually(lambda: len(sdk("dlq.list").messages) == 3)
    first, *rest = [entry.dlq_id for entry in sdk("dlq.list").messages]
    assert sdk("dlq.get", first).response_status == 500
    sdk("dlq.delete", first)
    assert sdk("dlq.delete_many", rest) == 2
