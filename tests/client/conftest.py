from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.client.scripted import ClientUnderTest

Connect = Callable[..., ClientUnderTest]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients of a URL, and closes them after the test."""
    made: list[ClientUnderTest] = []

    def connect_(url: str, **given: Any) -> ClientUnderTest:
        made.append(ClientUnderTest(url, **given))
        return made[-1]

    yield connect_
    for one in made:
        one.client.close()
