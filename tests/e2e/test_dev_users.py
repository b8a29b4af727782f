"""The four users of `qstash dev`: databases, variables, and access with public tokens."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER, DEV_USERS, Credentials
from tests import plain_http
from tests.e2e.conftest import QSTASH, Dev, plain_environment, run
from tests.sink import Sink

Eventually = Callable[..., object]
StartDev = Callable[..., Dev]
OWNER, OTHER = DEV_USERS[1], DEV_USERS[2]


def client(url: str, user: Credentials) -> httpx.Client:
    headers = {"Authorization": f"Bearer {user.token}"}
    return plain_http.Client(base_url=f"{url}/v2", headers=headers)


def test_acknowledged_messages_of_all_users_are_delivered_after_a_kill(
    start_dev: StartDev, sink: Sink, tmp_path: Path, eventually: Eventually
) -> None:
    path = tmp_path / "db"
    # The clock of the first server stands still, so that it delivers nothing before the kill.
    dev = start_dev("--db", str(path), "--port", "0", "--clock", "manual")
    assert {file.name for file in tmp_path.glob("db*")} == {"db", "db-wal"}
    for user in DEV_USERS[:3]:
        with client(dev.url, user) as http:
            made = http.post(f"publish/{sink.url}/{user.name}", headers={"Upstash-Delay": "2s"})
            assert made.status_code == 201
    dev.process.send_signal(signal.SIGKILL)
    dev.process.wait()

    again = start_dev("--db", str(path), "--port", "0")

    # No request is sent.
    eventually(lambda: {r.path for r in sink.received} == {f"/{u.name}" for u in DEV_USERS[:3]})
    modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in tmp_path.glob("db*")}
    named = ("db", "db-testUser1", "db-testUser2")
    assert modes == {f"{name}{end}": 0o600 for name in named for end in ("", "-wal")}
    with client(again.url, DEV_USERS[2]) as http:
        urls = {entry["url"] for entry in http.get("logs").json()["logs"]}
    assert urls == {f"{sink.url}/testUser2"}


def test_a_second_server_on_the_databases_is_rejected_for_every_user(
    start_dev: StartDev, tmp_path: Path
) -> None:
    dev = start_dev("--db", str(tmp_path / "db"), "--port", "0")
    with client(dev.url, OWNER) as http:
        http.get("queues")

    for file in ("db", "db-testUser1"):
        second = run(
            [*QSTASH, "dev", "--db", str(tmp_path / file), "--port", "0"],
            plain_environment(tmp_path),
        )
        assert second.returncode == 1
        assert (
            f"the database cannot be used: {tmp_path / file}: database is locked" in second.stderr
        )
        assert "hint: another `qstash dev` has it open" in second.stderr


def test_a_damaged_file_of_another_user_is_reported_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "db-testUser3").write_bytes(os.urandom(9000))

    done = run(
        [*QSTASH, "dev", "--db", str(tmp_path / "db"), "--port", "0"], plain_environment(tmp_path)
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: the file is not a database: {tmp_path / 'db-testUser3'}" in done.stderr


def test_a_database_that_cannot_be_created_affects_only_its_user(
    start_dev: StartDev, tmp_path: Path
) -> None:
    dev = start_dev("--db", str(tmp_path / "db"), "--port", "0")
    (tmp_path / "db-testUser1").mkdir()

    with client(dev.url, OWNER) as http, client(dev.url, OTHER) as other:
        refused = http.get("queues")

        assert refused.status_code == 500
        assert "db-testUser1" in refused.json()["error"]
        assert other.get("queues").json() == []


@pytest.mark.parametrize("user", DEV_USERS, ids=lambda user: user.name)
def test_the_variables_of_each_user_can_be_printed(start_dev: StartDev, user: Credentials) -> None:
    dev = start_dev("--port", "0", "--user", user.name)

    assert dev.env["QSTASH_TOKEN"] == user.token
    assert dev.env["QSTASH_CURRENT_SIGNING_KEY"] == user.current_signing_key
    assert dev.env["QSTASH_NEXT_SIGNING_KEY"] == user.next_signing_key
    assert dev.qstash("queue", "set", "mine").returncode == 0
    for one in DEV_USERS:
        with client(dev.url, one) as http:
            assert len(http.get("queues").json()) == (one is user)


def test_commands_and_seeds_apply_to_the_selected_user(tmp_path: Path) -> None:
    seed = tmp_path / "seed.toml"
    seed.write_text("[queues.orders]")

    def listed(*argv: str) -> str:
        server = [*QSTASH, "dev", "--db", str(tmp_path / "db"), *argv]
        done = run([*server, "--", *QSTASH, "queue", "list", "-q"], plain_environment(tmp_path))
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert listed("--user", "testUser2", "--seed", str(seed)) == "orders\n"
    assert listed() == ""
    assert listed("--user", "testUser2") == "orders\n"


def test_an_unknown_user_is_rejected(tmp_path: Path) -> None:
    done = run([*QSTASH, "dev", "--user", "testUser4"], plain_environment(tmp_path))

    assert done.returncode == 2
    assert "not a development user: 'testUser4'" in done.stderr
    assert "hint: one of defaultUser, testUser1, testUser2, testUser3" in done.stderr


def test_public_tokens_are_rejected_on_public_addresses(
    start_dev: StartDev, tmp_path: Path
) -> None:
    dev = start_dev("--port", "0", "--host", "0.0.0.0")  # noqa: S104 - the test's own machine
    url = dev.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104

    for user in DEV_USERS:
        with client(url, user) as http:
            assert http.get("keys").status_code == 401
    with client(url, replace(DEV_USER, token=dev.env["QSTASH_TOKEN"])) as http:
        keys = http.get("keys").json()
    assert keys["current"] == dev.env["QSTASH_CURRENT_SIGNING_KEY"]
    public = {secret for user in DEV_USERS for secret in (user.token, user.current_signing_key)}
    assert not public & set(dev.env.values())
    assert not any(secret in json.dumps(keys) for secret in public)

    both = run(
        [*QSTASH, "dev", "--host", "0.0.0.0", "--user", "testUser1"],  # noqa: S104
        plain_environment(tmp_path),
    )
    assert both.returncode == 2
    assert "hint: leave out --user or --host" in both.stderr


@pytest.mark.parametrize("user", DEV_USERS[:2], ids=lambda user: user.name)
def test_rotated_keys_are_printed(start_dev: StartDev, tmp_path: Path, user: Credentials) -> None:
    arguments = ("--db", str(tmp_path / "db"), "--port", "0", "--user", user.name)
    dev = start_dev(*arguments)
    with client(dev.url, user) as http:
        rotated = http.post("keys/rotate").json()
    dev.process.send_signal(signal.SIGKILL)
    dev.process.wait()

    printed = start_dev(*arguments, "--ready-file", str(tmp_path / "ready")).env
    ready = (tmp_path / "ready").read_text()

    assert printed["QSTASH_CURRENT_SIGNING_KEY"] == rotated["current"] == user.next_signing_key
    assert printed["QSTASH_NEXT_SIGNING_KEY"] == rotated["next"]
    assert rotated["next"] in ready


def test_a_server_on_a_public_address_does_not_sign_with_public_keys(
    start_dev: StartDev, tmp_path: Path
) -> None:
    dev = start_dev("--db", str(tmp_path / "db"), "--port", "0")
    dev.process.terminate()
    dev.process.wait()

    open_to_all = ("--db", str(tmp_path / "db"), "--port", "0", "--host", "0.0.0.0")  # noqa: S104
    first = start_dev(*open_to_all)
    first.process.terminate()
    first.process.wait()
    second = start_dev(*open_to_all)

    names = ("QSTASH_CURRENT_SIGNING_KEY", "QSTASH_NEXT_SIGNING_KEY")
    public = {key for u in DEV_USERS for key in (u.current_signing_key, u.next_signing_key)}
    assert not public & {first.env[name] for name in names}
    # The keys are stored, the token is not.
    assert [first.env[name] for name in names] == [second.env[name] for name in names]
    assert first.env["QSTASH_TOKEN"] != second.env["QSTASH_TOKEN"]


def test_the_documented_credentials_match_the_server() -> None:
    text = (Path(__file__).parents[2] / "docs" / "development-users.md").read_text()

    documented = re.findall(r"^## (\w+)\n\n```\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert documented == [
        (
            user.name,
            (
                f"QSTASH_TOKEN='{user.token}'\n"
                f"QSTASH_CURRENT_SIGNING_KEY='{user.current_signing_key}'\n"
                f"QSTASH_NEXT_SIGNING_KEY='{user.next_signing_key}'\n"
            ),
        )
        for user in DEV_USERS
    ]
