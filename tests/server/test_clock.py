"""A manual clock: everything on the way happens in order and at its own time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.server.services import clock
from tests import plain_http
from tests.in_process import Qstash
from tests.sink import Sink
from tests.stopping import stopped_later

HOUR_MS = 3_600_000


class Manual:
    """A server with a manual clock."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url, self.http = url, http

    def publish(self, url: str, body: str = "", **options: str) -> str:
        headers = {f"Upstash-{name.replace('_', '-')}": text for name, text in options.items()}
        response = self.http.post(f"/v2/publish/{url}", content=body, headers=headers)
        message_id: str = response.json()["messageId"]
        return message_id

    def move(self, **actions: object) -> dict[str, Any]:
        response = self.http.post("/console/api/clock", json=actions)
        assert response.status_code == 200, response.text
        moved: dict[str, Any] = response.json()
        return moved

    def log(self, message_id: str) -> list[tuple[str, int]]:
        found = self.http.get("/v2/logs", params={"messageId": message_id}).json()["events"]
        return [(one["state"], one["time"]) for one in reversed(found)]


@pytest.fixture
def manual() -> Iterator[Manual]:
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    with (
        stopped_later(running_server(ServerConfig(port=0, speed=0))) as url,
        plain_http.Client(base_url=url, headers=headers, timeout=60) as http,
    ):
        yield Manual(url, http)


def test_the_clock_stands_still_and_a_delayed_message_waits_until_it_is_moved(
    manual: Manual, sink: Sink
) -> None:
    before = manual.move()
    manual.publish(sink.url, Delay="1h")

    assert manual.move(advance="59m59s")["settled"]
    assert sink.received == []
    after = manual.move(advance="1s")
    assert len(sink.received) == 1
    assert after["time"] - before["time"] == HOUR_MS
    assert (after["speed"], after["clock"]) == (0, "manual")


def test_a_message_without_a_delay_is_delivered_at_once(manual: Manual, sink: Sink) -> None:
    message_id = manual.publish(sink.url)

    assert manual.move(settle=True)["settled"]
    now_ms = manual.move()["time"]
    assert [at_ms for _, at_ms in manual.log(message_id)] == [now_ms] * 3


def test_one_move_runs_a_chain_of_retries_each_at_its_own_time(manual: Manual, sink: Sink) -> None:
    sink.statuses = [500, 503, 200]
    message_id = manual.publish(sink.url, Retries="5", Retry_Delay="3600000")
    start_ms = manual.move(settle=True)["time"]

    moved = manual.move(advance="5h")

    assert moved["time"] - start_ms == 5 * HOUR_MS
    attempts = [at_ms - start_ms for state, at_ms in manual.log(message_id) if state == "ACTIVE"]
    assert attempts == [0, HOUR_MS, 2 * HOUR_MS]
    assert manual.log(message_id)[-1] == ("DELIVERED", start_ms + 2 * HOUR_MS)


def test_delays_retries_and_schedules_are_delivered_in_order_of_time(
    manual: Manual, sink: Sink
) -> None:
    manual.move(set="2030-01-01T00:10:00Z", skip=True)
    manual.http.post(
        f"/v2/schedules/{sink.url}/schedule", headers={"Upstash-Cron": "0 * * * *"}, content=b""
    )
    manual.publish(f"{sink.url}/90m", Delay="90m")
    manual.publish(f"{sink.url}/30m", Delay="30m")

    manual.move(set="2030-01-01T03:05:00Z")

    expected = ["/30m", "/schedule", "/90m", "/schedule", "/schedule"]
    assert [one.path for one in sink.received] == expected


def test_the_same_moves_give_the_same_order(sink: Sink) -> None:
    orders = []
    for _ in range(2):
        sink.received.clear()
        headers = {"Authorization": f"Bearer {DEV_USER.token}"}
        with (
            running_server(ServerConfig(port=0, speed=0)) as url,
            plain_http.Client(base_url=url, headers=headers, timeout=60) as http,
        ):
            manual = Manual(url, http)
            for number in range(40):
                delay_s = (number * 17) % 41 + 1
                manual.publish(f"{sink.url}/{delay_s}", Delay=f"{delay_s}s")
            manual.move(advance="1m")
        orders.append([one.path for one in sink.received])

    assert orders[0] == orders[1]
    assert orders[0] == sorted(orders[0], key=lambda path: int(path[1:]))


def test_it_jumps_to_what_is_next_and_ignores_what_was_cancelled(
    manual: Manual, sink: Sink
) -> None:
    start_ms = manual.move()["time"]
    cancelled = manual.publish(sink.url, Delay="1h")
    manual.publish(sink.url, Delay="2h")
    manual.http.delete(f"/v2/messages/{cancelled}")

    assert manual.move(jump="next")["time"] - start_ms == 2 * HOUR_MS
    assert len(sink.received) == 1
    assert "target" not in manual.move(jump="next"), "nothing is waiting"


def test_a_schedule_does_not_run_for_skipped_times_and_runs_again_after_the_clock_is_set_back(
    manual: Manual, sink: Sink
) -> None:
    manual.move(set="2030-06-01T00:00:00Z", skip=True)
    manual.http.post(
        f"/v2/schedules/{sink.url}", headers={"Upstash-Cron": "0 12 * * *"}, content=b""
    )

    manual.move(set="2031-06-01T00:00:00Z", skip=True)
    assert sink.received == []
    for _ in range(2):
        moved = manual.move(set="2030-03-31T00:00:00Z")
        assert moved["time"] == datetime(2030, 3, 31, tzinfo=UTC).timestamp() * 1000
        manual.move(advance="1d")
    assert len(sink.received) == 2


def test_a_destination_that_does_not_respond_times_out_by_the_clock(
    manual: Manual, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., object]
) -> None:
    monkeypatch.setattr(clock, "_PATIENCE_S", 0.5)
    released = threading.Event()

    def respond(_request: Received) -> tuple[int, bytes]:
        released.wait(60)
        return 200, b""

    with running_endpoint(respond) as endpoint:
        message_id = manual.publish(endpoint.url, Timeout="5m", Retries="0")
        start_ms = manual.move()["time"]
        eventually(lambda: endpoint.received)
        assert not manual.move(advance="4m59s")["settled"]
        assert [state for state, _ in manual.log(message_id)] == ["CREATED", "ACTIVE"]
        assert manual.move(advance="1m")["settled"]
        assert manual.log(message_id)[-1] == ("FAILED", start_ms + 300_000)
        released.set()


def test_a_move_that_takes_too_long_ends_early_and_says_so(
    manual: Manual, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "MAX_MOVE_S", 0.0)
    manual.publish(sink.url, Delay="1h")
    start_ms = manual.move()["time"]

    moved = manual.move(advance="2h")

    assert moved["time"] == start_ms
    assert moved["target"] == start_ms + 2 * HOUR_MS


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({"speed": 2}, "the clock is manual"),
        ({"advance": "soon"}, "not a duration: 'soon'"),
        ({"set": "soon"}, "not a point in time: 'soon'"),
        ({"jump": "back"}, "not a place to jump to: 'back'"),
        ({"wind": 1}, "unknown action: wind"),
        ([], "the body is not a JSON object"),
    ],
)
def test_other_changes_are_refused(manual: Manual, actions: object, message: str) -> None:
    response = manual.http.post("/console/api/clock", json=actions)

    assert response.status_code == 400
    assert message in response.text


# The command


def test_the_command_moves_the_clock_of_the_selected_server(
    qstash: Qstash, manual: Manual, sink: Sink
) -> None:
    qstash.env |= {"QSTASH_URL": manual.url, "QSTASH_TOKEN": DEV_USER.token}
    before_ms = qstash("dev", "clock", "-o", "json").json["time"]
    manual.publish(sink.url, Delay="1h")

    run = qstash("dev", "clock", "advance", "1h", tty=True)

    assert run.code == 0, run
    assert run.err == f"Moved the clock to {iso(before_ms + HOUR_MS)}\n"
    assert len(sink.received) == 1
    assert qstash("dev", "clock", "-o", "json").json["time"] == before_ms + HOUR_MS
    run = qstash("dev", "clock", "set", "2030-03-29", "--skip")
    assert run.out.split("\t")[0] == str(
        round(datetime(2030, 3, 29, tzinfo=UTC).timestamp() * 1000)
    )


def test_the_command_finds_a_server_of_this_machine_beside_credentials_of_the_cloud(
    qstash: Qstash, manual: Manual
) -> None:
    qstash.env |= {"QSTASH_TOKEN": "cloud", "QSTASH_DEV_PORT": manual.url.rpartition(":")[2]}

    assert qstash("dev", "clock").code == 0
    run = qstash("dev", "clock", "--token", "cloud")
    assert run.code == 2
    assert "not a server of `qstash dev`: https://qstash.upstash.io" in run.err


def test_a_move_that_ended_early_fails_with_the_command_that_continues(
    qstash: Qstash, manual: Manual, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    qstash.env |= {"QSTASH_URL": manual.url, "QSTASH_TOKEN": DEV_USER.token}
    monkeypatch.setattr(clock, "MAX_MOVE_S", 0.0)
    manual.publish(sink.url, Delay="1h")
    now_ms = manual.move()["time"]

    run = qstash("dev", "clock", "advance", "1h")

    assert run.code == 1
    assert f"the clock stopped at {iso(now_ms)}" in run.err
    assert f"hint: to continue, run `qstash dev clock set {iso(now_ms + HOUR_MS)}`" in run.err


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("back",), "unknown action: 'back'"),
        (("advance",), "advance needs a value"),
        (("advance", "soon"), "not a duration: 'soon'"),
        (("set", "soon"), "not a point in time: 'soon'"),
        (("jump-to-next", "1h"), "jump-to-next takes no value: '1h'"),
        (("advance", "1h", "--skip"), "--skip is only for set"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    qstash: Qstash, argv: tuple[str, ...], error: str
) -> None:
    run = qstash("dev", "clock", *argv, "--api-url", "http://127.0.0.1:9")

    assert run.code == 2
    assert f"error: {error}" in run.err


def iso(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
