"""The official SDK, whose connections are closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from qstash import QStash

Connect = Callable[[str, str], QStash]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes an SDK client with this token for this URL."""
    made: list[QStash] = []

    def make(token: str, url: str) -> QStash:
        made.append(QStash(token, base_url=url, retry=False))
        return made[-1]

    yield make
    for client in made:
        # It has no way to close them itself.
        client.http._client.close()
