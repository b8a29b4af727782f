"""The official SDK, whose connections are closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from qstash import QStash
from qstash.message import PublishResponse, PublishUrlGroupResponse

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


def to_one(published: object) -> PublishResponse:
    """The SDK's answer to a publish to a URL, which is never a list."""
    assert isinstance(published, PublishResponse)
    return published


def to_group(published: object) -> list[PublishUrlGroupResponse]:
    """The SDK's answer to a publish to a URL group, which is always a list."""
    assert isinstance(published, list)
    return published
