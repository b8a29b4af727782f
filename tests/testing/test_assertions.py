"""The assertions about deliveries, and the messages of those that fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from qstash_cli.testing.local_qstash import LocalQStash, running_qstash
from qstash_cli.testing.sink import Endpoint, Sink, running
from tests import plain_http


@pytest.fixture(scope="module")
def server() -> Iterator[LocalQStash]:
    with running_qstash() as server:
        yield server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running() as endpoint:
        yield endpoint


@pytest.fixture
def local(server: LocalQStash) -> LocalQStash:
    server.reset()
    return server


@pytest.fixture
def target(endpoint: Endpoint) -> Sink:
    return endpoint.new_sink()


def call(local: LocalQStash, path: str, body: str = "", **options: str) -> None:
    headers = {f"Upstash-{name.replace('_', '-')}": text for name, text in options.items()}
    headers["Authorization"] = f"Bearer {local.token}"
    plain_http.post(f"{local.url}{path}", content=body, headers=headers).raise_for_status()


def publish(local: LocalQStash, url: str, body: str = "", **options: str) -> None:
    call(local, f"/v2/publish/{url}", body, **options)


def failure_of(assertion: object, *args: object, **options: object) -> str:
    assert callable(assertion)
    with pytest.raises(AssertionError) as raised:
        assertion(*args, **options)
    return str(raised.value)


def test_a_delayed_message_is_delivered_when_the_clock_has_moved(
    local: LocalQStash, target: Sink
) -> None:
    publish(local, f"{target.url}/orders", '{"id": 1}', Delay="1h")
    start = local.now

    local.assert_not_delivered(within="59m59s")
    [delivery] = local.assert_delivered("/orders", {"id": 1}, times=1, within="1s")

    assert (delivery.url, delivery.json) == (f"{target.url}/orders", {"id": 1})
    assert delivery.attempts == 1
    assert (delivery.delivered_at - start).total_seconds() == 3600
    assert [(one.method, one.path, one.json) for one in target.received] == [
        ("POST", "/orders", {"id": 1})
    ]


def test_messages_are_selected_by_url_path_and_body(local: LocalQStash, target: Sink) -> None:
    publish(local, f"{target.url}/a?x=1", "text")
    publish(local, f"{target.url}/b", '{"n": [1, 2]}')
    publish(local, f"{target.url}/b", '{"n":[1,2]}')

    assert len(local.assert_delivered(times=3)) == 3
    local.assert_delivered(f"{target.url}/a?x=1", "text", times=1)
    local.assert_delivered("/a?x=1", b"text", times=1)
    assert [one.body for one in local.assert_delivered("/b", {"n": [1, 2]}, times=2)] == [
        b'{"n": [1, 2]}', b'{"n":[1,2]}',
    ]  # fmt: skip
    local.assert_not_delivered("/a")
    local.assert_not_delivered(body={"n": [2, 1]})


def test_a_message_that_failed_explains_itself(local: LocalQStash, target: Sink) -> None:
    target.fail(status=503)
    publish(local, f"{target.url}/orders", '{"id": 1}', Retries="1", Retry_Delay="3600000")

    text = failure_of(local.assert_delivered, "/orders", times=1, within="2h")

    lines = text.splitlines()
    assert lines[:3] == [
        "Expected 1 delivery to /orders, but there was none.",
        "1 message was published to /orders:",
        "",
    ]
    assert lines[3] == f"✗ failed  POST {target.url}/orders"
    assert lines[4] == "503 after 2 attempts, 1 h after it was created"
    steps = [line[line.index("attempt ") :].split() for line in lines if "  attempt " in line]
    assert [step[:5] for step in steps] == [
        ["attempt", "1", "✗", "error", "503"],
        ["attempt", "2", "✗", "failed", "503"],
    ]
    assert "Response to attempts 1-2: 503  16 bytes\n  failed on demand" in text
    assert '  {\n    "id": 1\n  }' in text


def test_a_failure_names_what_is_expected_and_what_there_is(
    local: LocalQStash, target: Sink
) -> None:
    assert failure_of(local.assert_delivered, "/orders") == (
        "Expected a delivery to /orders, but there was none.\nNo message was published."
    )
    for number in range(5):
        publish(local, f"{target.url}/orders", f"{number}")

    missing = failure_of(local.assert_delivered, "/orders", 9)
    assert missing.startswith(
        "Expected a delivery to /orders with body 9, but there was none.\n"
        "5 messages were published to /orders:\n(the newest 3 of them)\n"
    )
    assert missing.count("✓ delivered  POST") == 3
    elsewhere = failure_of(local.assert_delivered, "/other")
    assert "No message was published to /other, but 5 messages were elsewhere:" in elsewhere
    too_many = failure_of(local.assert_delivered, "/orders", times=2)
    assert too_many.startswith("Expected 2 deliveries to /orders, but there were 5.")
    unwanted = failure_of(local.assert_not_delivered, "/orders", 3)
    assert unwanted.startswith("Expected no delivery to /orders with body 3, but there was 1.")


def test_failures_on_demand_end_after_their_number(local: LocalQStash, target: Sink) -> None:
    target.respond(202, "later")
    target.fail(2)
    publish(local, target.url, Retries="3")

    [delivery] = local.assert_delivered(within="1d")

    assert delivery.attempts == 3
    target.fail()
    publish(local, target.url, Retries="0")
    assert [entry["responseStatus"] for entry in local.dlq()] == [500]


def test_the_schedules_of_a_day_run_in_its_time_zone(local: LocalQStash, target: Sink) -> None:
    for cron in ("0 0 * * *", "CRON_TZ=Europe/Berlin 30 2,3 * * *", "0 0 30 3 *"):
        call(local, f"/v2/schedules/{target.url}", Cron=cron)
    publish(local, target.url)

    # The clocks go forward at 02:00, so the run at 02:30 is an hour later.
    runs = local.run_schedules("2026-03-29", "Europe/Berlin")

    assert [run.at for run in runs] == [
        datetime(2026, 3, 29, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    ]
    assert {run.url.rstrip("/") for run in runs} == {target.url}
    assert len(local.run_schedules(date(2026, 3, 29))) == 3, "a day runs again"
    assert len(local.run_schedules("2031-03-30")) == 4


def test_a_reset_server_has_no_data_and_delivers_nothing_of_before(
    local: LocalQStash, target: Sink
) -> None:
    publish(local, target.url, Delay="1h")
    call(local, f"/v2/schedules/{target.url}", Cron="* * * * *")
    local.advance("30m")
    assert len(target.received) == 30

    local.reset()

    local.advance("2h")
    assert len(target.received) == 30
    local.assert_not_delivered()
