from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
def undelivered(local: Qstash, sink: Sink) -> Callable[..., None]:
    """Publishes a message with these options, and waits until it is in the DLQ."""

    def publish(*flags: str) -> None:
        sink.statuses = [500]
        assert local("publish", sink.url, "--retries", "0", "--wait", *flags).code == 8

    return publish
