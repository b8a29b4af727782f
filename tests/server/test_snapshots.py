"""Snapshots of a running server."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.server.storage import snapshots
from qstash_cli.server.storage.database import SCHEMAS
from tests import plain_http
from tests.in_process import Qstash
from tests.sink import Sink

_HEADERS = {"Authorization": f"Bearer {DEV_USER.token}"}


@contextmanager
def server(qstash: Qstash, db: Path | None = None, speed: float = 0) -> Iterator[httpx.Client]:
    with (
        running_server(ServerConfig(port=0, speed=speed, db=db)) as url,
        plain_http.Client(base_url=url, headers=_HEADERS) as http,
    ):
        qstash.env |= {"QSTASH_URL": url, "QSTASH_TOKEN": DEV_USER.token}
        yield http


def publish(http: httpx.Client, url: str) -> str:
    response = http.post(f"/v2/publish/{url}", headers={"Upstash-Delay": "1h"})
    message_id: str = response.json()["messageId"]
    return message_id


def move(http: httpx.Client, **actions: object) -> int:
    now_ms: int = http.post("/console/api/clock", json=actions, timeout=60).json()["time"]
    return now_ms


@pytest.mark.parametrize("saved_to_file", [False, True])
@pytest.mark.parametrize("loaded_into_file", [False, True])
def test_a_server_continues_from_a_snapshot(
    qstash: Qstash, sink: Sink, tmp_path: Path, saved_to_file: bool, loaded_into_file: bool
) -> None:
    file = tmp_path / "fixture.db"
    with server(qstash, tmp_path / "one.db" if saved_to_file else None) as http:
        move(http, set="2030-01-01T00:00:00Z", skip=True)
        message_id = publish(http, sink.url)
        http.post(f"/v2/schedules/{sink.url}", headers={"Upstash-Cron": "0 0 * * *"})
        saved_ms = move(http, advance="30m")
        run = qstash("dev", "snapshot", "save", str(file), tty=True)
    assert (run.code, run.err) == (0, f"Saved the data of the server in {file}\n"), run
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    db = tmp_path / "two.db" if loaded_into_file else None
    with server(qstash, db) as http:
        other_id = publish(http, sink.url)
        run = qstash("dev", "snapshot", "load", str(file), tty=True)
        assert run.code == 0, run
        assert move(http) == saved_ms
        assert http.get(f"/v2/messages/{other_id}").status_code == 404
        assert len(http.get("/v2/schedules").json()) == 1
        move(http, advance="30m")
        assert [one.header("upstash-message-id") for one in sink.received] == [message_id]
    if db is not None:
        with server(qstash, db) as http:
            events = http.get("/v2/logs", params={"messageId": message_id}).json()["events"]
            assert events[0]["state"] == "DELIVERED"


def broken(path: Path, how: str) -> str:
    """Changes a snapshot, and returns the reason for which it is refused."""
    if how == "text":
        path.write_text("no database " * 1000)
        return "the file is not a database"
    if how == "damaged":
        data = bytearray(path.read_bytes())
        data[4096:12_288] = b"\xff" * 8192
        path.write_bytes(data)
        return "the database is damaged"
    with sqlite3.connect(path) as connection:
        if how == "newer":
            connection.execute(f"PRAGMA user_version = {len(SCHEMAS) + 1}")
        elif how == "foreign":
            connection.execute("PRAGMA application_id = 1")
        elif how == "content":
            # It is read when the account starts, after the copy.
            connection.execute(
                "INSERT INTO bulk_actions (id, filter, total, created_ms)"
                " VALUES ('bulk_1', 'no JSON', 9, 0)"
            )
        else:
            connection.execute("DROP TABLE snapshot")
    connection.close()
    return {
        "newer": "the database was written by a newer version of qstash",
        "foreign": "the file is a database of another program",
        "content": "its content is damaged",
        "server": "it is the database of a server",
    }[how]


@pytest.mark.parametrize("is_in_file", [False, True])
@pytest.mark.parametrize("how", ["text", "damaged", "newer", "foreign", "server", "content"])
def test_a_snapshot_that_cannot_be_loaded_changes_nothing(
    qstash: Qstash, sink: Sink, tmp_path: Path, how: str, is_in_file: bool
) -> None:
    file = tmp_path / "fixture.db"
    with server(qstash, tmp_path / "server.db" if is_in_file else None) as http:
        move(http, set="2020-01-01T00:00:00Z")
        message_id = publish(http, sink.url)
        qstash("dev", "snapshot", "save", str(file))
        reason = broken(file, how)

        run = qstash("dev", "snapshot", "load", str(file))

        assert run.code != 0
        assert f"the snapshot cannot be loaded: {reason}" in run.err
        assert "/tmp/qstash-" not in run.err  # noqa: S108 - part of an error message
        move(http, advance="1h")
        assert [one.header("upstash-message-id") for one in sink.received] == [message_id]


def test_a_snapshot_that_would_be_too_large_is_refused(
    qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MAX_BYTES", 10_000)
    with server(qstash):
        run = qstash("dev", "snapshot", "save", str(tmp_path / "fixture.db"))

    assert run.code != 0
    assert "the data is too large for a snapshot" in run.err
    assert not (tmp_path / "fixture.db").exists()


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("copy", "x"), "unknown action: 'copy'"),
        (("load", "missing.db"), "cannot read the file: missing.db"),
        (("save", "missing/x.db"), "cannot write the file: missing/x.db"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    qstash: Qstash, argv: tuple[str, str], error: str
) -> None:
    run = qstash("dev", "snapshot", *argv, "--api-url", "http://127.0.0.1:9")

    assert run.code == 2
    assert error in run.err


def test_a_request_without_the_token_of_the_api_is_refused(qstash: Qstash) -> None:
    with server(qstash) as http:
        for path in ("snapshot/save", "snapshot/load", "reset", "clock"):
            url = http.base_url.join(f"/console/api/{path}")
            assert plain_http.post(url, json={}).status_code == 401


@pytest.mark.parametrize("body", [{"snapshot": "é"}, {"snapshot": "%"}, {"snapshot": 7}, {}, []])
def test_a_body_without_a_snapshot_is_refused(qstash: Qstash, body: object) -> None:
    with server(qstash) as http:
        assert http.post("/console/api/snapshot/load", json=body).status_code == 400
