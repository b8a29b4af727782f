"""URL groups, queues and batches with the official SDK."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from qstash import QStash
from qstash.errors import QStashError
from qstash.message import BatchResponse

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.conformance.conftest import Connect, to_group
from tests.sink import Sink

Eventually = Callable[[Callable[[], object]], object]


@pytest.fixture
def sdk(server_url: str, connect: Connect) -> QStash:
    return connect(DEV_USER.token, server_url)


def test_a_group_gets_one_message_per_endpoint(
    sdk: QStash, sink: Sink, eventually: Eventually
) -> None:
    urls = [f"{sink.url}/{letter}" for letter in "abc"]
    sdk.url_group.upsert_endpoints("team", [{"url": u} for u in urls])
    published = sdk.message.publish(url_group="team", body="x", deduplication_id="d")

    assert [one.url for one in to_group(published)] == urls
    eventually(lambda: len(sink.received) == 3)
    assert {r.header("upstash-topic-name") for r in sink.received} == {"team"}
    again = sdk.message.publish(url_group="team", body="x", deduplication_id="d")
    assert all(one.deduplicated for one in to_group(again))


def test_endpoints_are_updated_by_name_and_removed(sdk: QStash, sink: Sink) -> None:
    sdk.url_group.upsert_endpoints("g", [{"url": f"{sink.url}/1", "name": "First one"}])
    sdk.url_group.upsert_endpoints("g", [{"url": f"{sink.url}/2", "name": "First one"}])
    assert [e.url for e in sdk.url_group.get("g").endpoints] == [f"{sink.url}/2"]

    sdk.url_group.remove_endpoints("g", [{"name": "First one"}])

    assert sdk.url_group.list() == []
    sdk.url_group.delete("g")
    with pytest.raises(QStashError, match="topic g not found"):
        sdk.message.publish(url_group="g")


def test_queues_are_created_changed_paused_and_deleted(
    sdk: QStash, sink: Sink, eventually: Eventually
) -> None:
    sdk.queue.upsert("q", parallelism=3, paused=True)
    sdk.message.enqueue(queue="q", url=sink.url, body="x")

    queue = sdk.queue.get("q")

    assert (queue.parallelism, queue.lag, queue.paused) == (3, 1, True)
    assert sink.received == []
    sdk.queue.resume("q")
    eventually(lambda: sdk.queue.get("q").lag == 0)
    assert [q.name for q in sdk.queue.list()] == ["q"]
    sdk.queue.delete("q")
    sdk.queue.delete("q")
    with pytest.raises(QStashError, match="queue q not found"):
        sdk.queue.get("q")


def test_a_batch_mixes_urls_groups_and_queues(
    sdk: QStash, sink: Sink, eventually: Eventually
) -> None:
    sdk.url_group.upsert_endpoints("g", [{"url": f"{sink.url}/g1"}, {"url": f"{sink.url}/g2"}])
    answers = sdk.message.batch(
        [
            {"url": f"{sink.url}/u?a=1", "body": "1", "headers": {"X-A": "1"}},
            {"url_group": "g", "body": "2"},
            {"queue": "q", "url": f"{sink.url}/q", "body": "3"},
        ]
    )

    assert [isinstance(one, list) for one in answers] == [False, True, False]
    eventually(lambda: len(sink.received) == 4)
    assert {r.path for r in sink.received} == {"/u?a=1", "/g1", "/g2", "/q"}


def test_a_header_value_of_a_batch_loses_the_blanks_around_it(
    sdk: QStash, sink: Sink, eventually: Eventually
) -> None:
    # A client with an empty API key sends such a value, and in a header HTTP would remove them.
    headers = {"Authorization": "Bearer ", "X-A": "\t a b "}
    [published] = sdk.message.batch([{"url": sink.url, "headers": headers}])

    eventually(lambda: len(sink.received) == 1)
    request = sink.received[0]
    assert (request.header("authorization"), request.header("x-a")) == ("Bearer", "a b")
    assert isinstance(published, BatchResponse)
    stored = sdk.message.get(published.message_id).headers
    assert stored == {"Authorization": ["Bearer"], "X-A": ["a b"]}


def test_a_batch_with_an_invalid_item_sends_nothing(sdk: QStash, sink: Sink) -> None:
    with pytest.raises(QStashError, match="Upstash-Delay"):
        sdk.message.batch([{"url": sink.url}, {"url": sink.url, "delay": "soon"}])

    assert sdk.log.list().logs == []
