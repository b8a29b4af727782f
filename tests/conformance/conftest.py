"""Fixtures: clients of the official SDK, closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from qstash import QStash
from qstash.message import PublishResponse, PublishUrlGroupResponse

Connect = Callable[[str, str], QStash]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Returns a function that creates SDK clients."""
    made: list[QStash] = []

    def make(token: str, url: str) -> QStash:
        made.append(QStash(token, base_url=url, retry=False))
        return made[-1]

    yield make
    for client in made:
        # The SDK has no method to close its connections.
        client.http._client.close()


def to_one(published: object) -> PublishResponse:
    """Narrows the SDK's response to a publish to a URL."""
    assert isinstance(published, PublishResponse)
    return published


def to_group(published: object) -> list[PublishUrlGroupResponse]:
    """Narrows the SDK's response to a publish to a URL group."""
    assert isinstance(published, list)
    return published
