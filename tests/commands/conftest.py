from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.in_process import Qstash
from tests.sink import Sink
from tests.stopping import stopped_later


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Writes a manifest, and returns its path."""

    def write_(text: str) -> str:
        path = tmp_path / "qstash.toml"
        path.write_text(text)
        return str(path)

    return write_


@pytest.fixture
def on_free_plan(qstash: Qstash, server_url: str) -> Qstash:
    """`qstash` whose default profile is a fresh embedded server with the plan `free`."""
    qstash.home.mkdir(mode=0o700)
    profile = f'api_url = "{server_url}"\ntoken = "{DEV_USER.token}"\nplan = "free"\n'
    (qstash.home / "config.toml").write_text(f'default = "small"\n[profiles.small]\n{profile}')
    return qstash


@pytest.fixture
def manual(qstash: Qstash) -> Iterator[Qstash]:
    """`qstash` with a server whose clock stands still until `advance` moves it."""
    with stopped_later(running_server(ServerConfig(port=0, speed=0))) as url:
        qstash.env |= {"QSTASH_URL": url, "QSTASH_TOKEN": DEV_USER.token}
        yield qstash


@pytest.fixture
def advance(manual: Qstash) -> Callable[[str], None]:
    """Moves the server's clock by a duration, and waits for the deliveries on the way."""

    def advance_(span: str) -> None:
        url = f"{manual.env['QSTASH_URL']}/console/api/clock"
        headers = {"Authorization": f"Bearer {DEV_USER.token}"}
        moved = plain_http.post(url, json={"advance": span}, headers=headers)
        assert moved.json().get("settled"), moved.text

    return advance_


@pytest.fixture
def undelivered(local: Qstash, sink: Sink) -> Callable[..., None]:
    """Publishes a message with these options, and waits until it is in the DLQ."""

    def publish(*flags: str) -> None:
        sink.statuses = [500]
        assert local("publish", sink.url, "--retries", "0", "--wait", *flags).code == 8

    return publish
