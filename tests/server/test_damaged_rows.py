"""A stored row that can no longer be decoded is reported, and does not affect other rows."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.figures import Figures
from tests.sink import Sink

DAMAGE = "server, damaged rows"
Eventually = Callable[..., object]
VALUES = (
    "garbage", b"\xff\x00", "", 0, -1, 2**62, 1.5, "[1]", "null", "[[1, 2]]", "[" * 50_000,
)  # fmt: skip


class Damage(NamedTuple):
    """A column of one row, and the value to store in it."""

    column: str
    value: Any

    def of(self, db: Path, table: str, where: str, name: str) -> None:
        with contextlib.closing(sqlite3.connect(db)) as connection, connection:
            changed = connection.execute(
                f"UPDATE {table} SET {self.column} = ? WHERE {where} = ?",  # noqa: S608 - a query of the test
                (self.value, name),
            )
            assert changed.rowcount == 1


def all_of(*columns: str) -> dict[str, Damage]:
    """Returns every damage of these columns, by the name of the affected row."""
    damages = (Damage(column, value) for column in columns for value in VALUES)
    return {f"row{number}": damage for number, damage in enumerate(damages)}


@contextlib.contextmanager
def server(db: Path, speed: float = 1) -> Iterator[httpx.Client]:
    token = {"Authorization": f"Bearer {DEV_USER.token}"}
    config = ServerConfig(port=0, db=db, speed=speed)
    with (
        running_server(config) as url,
        plain_http.Client(base_url=url, headers=token, timeout=30) as http,
    ):
        yield http


def pass_minutes(http: httpx.Client, count: int) -> None:
    """Moves a manual clock, and waits for the deliveries."""
    moved = http.post("/console/api/clock", json={"advance": f"{count}m"}, timeout=90).json()
    assert moved["settled"]


def get(http: httpx.Client, path: str, **query: str) -> Any:
    return http.get(path, params=query).raise_for_status().json()


def paths(sink: Sink) -> set[str]:
    return {request.path.removeprefix("/") for request in sink.received}


def test_a_damaged_schedule_is_reported_and_the_others_fire(
    *,
    tmp_path: Path,
    sink: Sink,
    caplog: pytest.LogCaptureFixture,
    figures: Figures,
) -> None:
    damages = all_of(
        "cron", "headers", "body", "destination", "caller_ip", "next_ms", "last_ms", "last_ids",
        "is_paused", "error", "created_ms",
    )  # fmt: skip
    db = tmp_path / "db"
    with server(db) as http:
        for name in ("good", *damages):
            headers = {"Upstash-Cron": "* * * * *", "Upstash-Schedule-Id": name}
            url = f"{sink.url}/{name}"
            http.post(f"/v2/schedules/{url}", headers=headers).raise_for_status()
    for name, damage in damages.items():
        damage.of(db, "schedules", "id", name)

    with server(db, speed=0) as http:
        pass_minutes(http, 2)
        expected = {n for n, d in damages.items() if d.column in {"last_ids", "error", "last_ms"}}
        assert {"good", *expected} <= paths(sink)
        listed = {one["scheduleId"]: one for one in get(http, "/v2/schedules")}
        single = {name: get(http, f"/v2/schedules/{name}") for name in damages}

    broken = [name for name, damage in damages.items() if damage.column == "cron"]
    figures(DAMAGE, cases=len(damages))
    assert listed.keys() == {"good", *damages}
    assert "error" not in listed["good"]
    for name in broken:
        for shown in (listed[name], single[name]):
            assert shown["error"].startswith("the cron expression is damaged: ")
            assert "nextScheduleTime" not in shown
        assert f"schedule {name!r} stops: the cron expression is damaged: " in caplog.text


def test_a_damaged_schedule_fires_again_when_it_is_replaced(tmp_path: Path, sink: Sink) -> None:
    db = tmp_path / "db"
    headers = {"Upstash-Cron": "* * * * *", "Upstash-Schedule-Id": "s"}
    with server(db) as http:
        http.post(f"/v2/schedules/{sink.url}", headers=headers).raise_for_status()
    Damage("cron", "every now and then").of(db, "schedules", "id", "s")

    with server(db, speed=0) as http:
        assert "error" in get(http, "/v2/schedules/s")
        http.post(f"/v2/schedules/{sink.url}", headers=headers).raise_for_status()
        assert "error" not in get(http, "/v2/schedules/s")
        pass_minutes(http, 1)
        assert len(sink.received) == 1


def test_a_schedule_that_publishes_half_of_a_group_publishes_nothing(
    tmp_path: Path, sink: Sink
) -> None:
    db = tmp_path / "db"
    with server(db) as http:
        endpoints = [{"url": f"{sink.url}/first"}, {"url": f"{sink.url}/second"}]
        http.post("/v2/topics/group/endpoints", json={"endpoints": endpoints}).raise_for_status()
        for name, to in (("group", "group"), ("single", f"{sink.url}/single")):
            headers = {"Upstash-Cron": "* * * * *", "Upstash-Schedule-Id": name}
            http.post(f"/v2/schedules/{to}", headers=headers).raise_for_status()
    Damage("endpoints", f'[{{"url": "{sink.url}/first"}}, {{"url": 7}}]').of(
        db, "topics", "name", "group"
    )

    with server(db, speed=0) as http:
        pass_minutes(http, 2)
        shown = get(http, "/v2/schedules/group")
        assert paths(sink) == {"single"}
        assert shown["error"]


def test_a_damaged_message_fails_and_the_others_are_delivered(
    *,
    tmp_path: Path,
    sink: Sink,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    figures: Figures,
) -> None:
    damages = all_of(
        "options", "body", "url", "due_ms", "retried", "created_ms", "not_before_ms", "caller_ip",
        "queue", "flow_key", "callback_of", "topic", "schedule_id", "labels",
    )  # fmt: skip
    db = tmp_path / "db"
    names: dict[str, str] = {}
    with server(db) as http:
        # A day on which nothing is delivered, and which the next server does not wait for.
        for name in ("good", *damages):
            headers = {"Upstash-Delay": "1d", "Upstash-Retries": "0"}
            done = http.post(f"/v2/publish/{sink.url}/{name}", headers=headers)
            names[name] = done.raise_for_status().json()["messageId"]
    with contextlib.closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE messages SET due_ms = created_ms")
    for name, damage in damages.items():
        damage.of(db, "messages", "id", names[name])

    far = {names[n] for n, d in damages.items() if d == Damage("due_ms", 2**62)}
    with server(db) as http:
        eventually(lambda: "good" in paths(sink))

        def unfinished() -> set[str]:
            ends = [
                e for s in ("DELIVERED", "FAILED") for e in get(http, "/v2/logs", state=s)["logs"]
            ]
            return set(names.values()) - {entry["messageId"] for entry in ends}

        eventually(lambda: unfinished() == far, within_s=30)
        failed = {entry["messageId"]: entry for entry in get(http, "/v2/dlq")["messages"]}
        assert [get(http, f"/v2/dlq/{one['dlqId']}") for one in failed.values()]

        retried = http.post("/v2/dlq/retry", params={"count": 100}).raise_for_status().json()
        left = {
            message_id: entry["dlqId"]
            for message_id, entry in failed.items()
            if http.get(f"/v2/dlq/{entry['dlqId']}").is_success
        }
        refused = [http.post(f"/v2/dlq/retry/{dlq_id}") for dlq_id in left.values()]
        refused.append(http.post("/v2/dlq/retry", params={"dlqIds": ",".join(left.values())}))

    undecodable = [n for n, d in damages.items() if d.column == "options" and d.value != "[[1, 2]]"]
    figures(DAMAGE, cases=len(damages))
    assert len(sink.received) == len(paths(sink))
    for name in undecodable:
        text = failed[names[name]]["responseBody"]
        assert text.startswith("the stored message is damaged: ")
        assert f"message {names[name]!r} failed: the stored message is damaged" in caplog.text
        assert names[name] in left
    assert len(retried["responses"]) + len(left) == len(failed)
    for one in refused:
        assert one.status_code == 400
        assert "its stored message is damaged: " in one.json()["error"]


def test_a_damaged_queue_or_flow_control_key_does_not_delay_others(
    *,
    tmp_path: Path,
    sink: Sink,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    figures: Figures,
) -> None:
    queues = all_of("parallelism", "is_paused", "created_ms")
    flows = all_of(
        "parallelism", "rate", "period_s", "is_paused", "pins_parallelism", "pins_rate"
    )  # fmt: skip
    db = tmp_path / "db"
    with server(db) as http:
        for name in ("good", *queues):
            http.post("/v2/queues", json={"queueName": name, "paused": True}).raise_for_status()
            http.post(f"/v2/enqueue/{name}/{sink.url}/queue-{name}").raise_for_status()
        for name in ("good", *flows):
            http.post(f"/v2/flowControl/{name}/pause").raise_for_status()
            headers = {
                "Upstash-Flow-Control-Key": name,
                "Upstash-Flow-Control-Value": "parallelism=1,rate=9",
            }
            http.post(f"/v2/publish/{sink.url}/flow-{name}", headers=headers).raise_for_status()
    with contextlib.closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE queues SET is_paused = 0")
        connection.execute("UPDATE flows SET is_paused = 0")
    for name, damage in queues.items():
        damage.of(db, "queues", "name", name)
    for name, damage in flows.items():
        damage.of(db, "flows", "key", name)

    with server(db) as http:
        delivering = {
            f"queue-{name}" for name, damage in queues.items() if damage.column != "is_paused"
        }
        eventually(lambda: {"queue-good", "flow-good", *delivering} <= paths(sink))
        assert len(get(http, "/v2/queues")) == 1 + len(queues)
        keys = {one["flowControlKey"]: one for one in get(http, "/v2/flowControl")}

        # Pinning a damaged key repairs it.
        damaged = [name for name, damage in flows.items() if damage == Damage("rate", "garbage")]
        for name in damaged:
            assert keys[name]["isPaused"]
            assert f"flow control key {name!r} is paused" in caplog.text
            http.post(f"/v2/flowControl/{name}/pin", params={"rate": 5}).raise_for_status()
        eventually(lambda: {f"flow-{name}" for name in damaged} <= paths(sink))
    figures(DAMAGE, cases=len(queues) + len(flows))
    assert keys.keys() == {"good", *flows}
