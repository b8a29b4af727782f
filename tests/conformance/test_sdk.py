"""The official SDK against the embedded server, and its Receiver against the deliveries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from qstash import QStash, Receiver
from qstash.errors import QStashError, SignatureError
from qstash.log import LogState

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received
from tests.conformance.conftest import Connect, to_one
from tests.sink import Sink

Eventually = Callable[[Callable[[], object]], object]


@pytest.fixture
def sdk(server_url: str, connect: Connect) -> QStash:
    return connect(DEV_USER.token, server_url)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(DEV_USER.current_signing_key, DEV_USER.next_signing_key)


def delivered(sink: Sink, eventually: Eventually, count: int = 1) -> Received:
    eventually(lambda: len(sink.received) >= count)
    return sink.received[count - 1]


def test_a_published_message_is_received(
    sdk: QStash, sink: Sink, receiver: Receiver, eventually: Eventually
) -> None:
    url = f"{sink.url}/a//b?x=%7E&y=1"
    published = sdk.message.publish_json(url=url, body={"hello": "wörld"}, headers={"x-a": "1"})

    request = delivered(sink, eventually)

    assert request.path == "/a//b?x=%7E&y=1"
    assert request.header("upstash-message-id") == to_one(published).message_id
    assert request.header("upstash-retried") == "0"
    assert request.header("user-agent") == "Upstash-QStash"
    assert request.header("content-type") == "application/json"
    assert request.header("x-a") == "1"
    receiver.verify(
        signature=request.header("upstash-signature"), body=request.body.decode(), url=url
    )


def test_the_receiver_rejects_a_tampered_body(
    sdk: QStash, sink: Sink, receiver: Receiver, eventually: Eventually
) -> None:
    sdk.message.publish(url=sink.url, body="pay 1")
    signature = delivered(sink, eventually).header("upstash-signature")

    with pytest.raises(SignatureError):
        receiver.verify(signature=signature, body="pay 1000", url=sink.url)


def test_the_receiver_accepts_the_next_key_after_one_rotation_only(
    sdk: QStash, sink: Sink, receiver: Receiver, eventually: Eventually
) -> None:
    assert sdk.signing_key.rotate().current == DEV_USER.next_signing_key
    sdk.message.publish(url=sink.url, body="x")
    receiver.verify(
        signature=delivered(sink, eventually).header("upstash-signature"), body="x", url=sink.url
    )

    sdk.signing_key.rotate()
    sdk.message.publish(url=sink.url, body="y")

    with pytest.raises(SignatureError):
        receiver.verify(
            signature=delivered(sink, eventually, 2).header("upstash-signature"), body="y"
        )


def test_a_message_is_read_and_cancelled(sdk: QStash, sink: Sink) -> None:
    published = sdk.message.publish(
        url=sink.url, body="later", delay="1h", label="one,two", retry_delay="15000",
        flow_control={"key": "k", "parallelism": 5}, headers={"test-header": "v"}, retries=7,
    )  # fmt: skip
    message_id = to_one(published).message_id

    message = sdk.message.get(message_id)

    assert (message.url, message.body, message.max_retries) == (sink.url, "later", 7)
    assert message.headers == {"Test-Header": ["v"]}
    assert message.not_before - message.created_at == 3_600_000
    assert message.retry_delay_expression == "15000"
    assert message.flow_control is not None
    assert (message.flow_control.parallelism, message.flow_control.period) == (5, 1)
    sdk.message.cancel(message_id)
    with pytest.raises(QStashError):
        sdk.message.get(message_id)
    assert sink.received == []


def test_many_and_all_messages_are_cancelled(sdk: QStash, sink: Sink) -> None:
    ids = [to_one(sdk.message.publish(url=sink.url, delay="1h")).message_id for _ in range(4)]

    assert sdk.message.cancel_many(ids[:2]) == 2
    assert sdk.message.cancel_all() == 2
    assert sdk.message.cancel_all() == 0


def test_the_log_is_read(sdk: QStash, sink: Sink, eventually: Eventually) -> None:
    sdk.message.publish(url=sink.url, body="x", label="a")
    eventually(lambda: sdk.log.list(filter={"state": LogState.DELIVERED}).logs)

    logs = sdk.log.list().logs

    assert [log.state for log in logs] == [LogState.DELIVERED, LogState.ACTIVE, LogState.CREATED]
    assert {log.url for log in logs} == {sink.url}
    assert {log.label for log in logs} == {"a"}


def test_a_cancelled_message_is_in_the_log(sdk: QStash, sink: Sink) -> None:
    published = sdk.message.publish(url=sink.url, delay="1h")
    sdk.message.cancel(to_one(published).message_id)

    assert [log.state.value for log in sdk.log.list().logs] == [
        "CANCELED", "CANCEL_REQUESTED", "CREATED",
    ]  # fmt: skip


def test_dlq_entries_are_read_and_deleted(sdk: QStash, sink: Sink, eventually: Eventually) -> None:
    sink.statuses = [404]
    sink.body = b"nobody home"
    for number in range(3):
        sdk.message.publish(url=f"{sink.url}/{number}", body="x", retries=0)
    eventually(lambda: len(sdk.dlq.list().messages) == 3)

    entries = sdk.dlq.list().messages

    assert {(e.response_status, e.response_body) for e in entries} == {(404, "nobody home")}
    assert sdk.dlq.get(entries[0].dlq_id).message_id == entries[0].message_id
    sdk.dlq.delete(entries[0].dlq_id)
    with pytest.raises(QStashError):
        sdk.dlq.delete(entries[0].dlq_id)
    assert sdk.dlq.delete_many([e.dlq_id for e in entries]) == 2
    assert sdk.dlq.list().messages == []
    # A message that fails at the first attempt has four log entries.
    assert len(sdk.log.list(filter={"message_id": entries[1].message_id}).logs) == 4


def test_equal_deduplication_ids_create_one_message(sdk: QStash, sink: Sink) -> None:
    first = to_one(sdk.message.publish(url=sink.url, deduplication_id="d"))
    second = to_one(sdk.message.publish(url=sink.url, deduplication_id="d"))

    assert second.message_id == first.message_id
    assert second.deduplicated


def test_errors_are_json(server_url: str, sink: Sink, connect: Connect) -> None:
    stranger = connect("wrong", server_url)

    with pytest.raises(QStashError, match="unable to authenticate: invalid token"):
        stranger.message.publish(url=sink.url)
