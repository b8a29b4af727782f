from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.in_process import Qstash
from tests.sink import Sink


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
def undelivered(local: Qstash, sink: Sink) -> Callable[..., None]:
    """Publishes a message with these options, and waits until it is in the DLQ."""

    def publish(*flags: str) -> None:
        sink.statuses = [500]
        assert local("publish", sink.url, "--retries", "0", "--wait", *flags).code == 8

    return publish
