"""The fixtures. Everything that takes time to import is imported by the fixture that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qstash_cli.testing.local_qstash import LocalQStash
    from qstash_cli.testing.sink import Endpoint, Sink


@pytest.fixture(scope="session")
def _qstash_server() -> Iterator[LocalQStash]:
    from qstash_cli.testing.local_qstash import running_qstash

    with running_qstash() as server:
        yield server


@pytest.fixture
def qstash(_qstash_server: LocalQStash, monkeypatch: pytest.MonkeyPatch) -> LocalQStash:
    """A local QStash without data, whose clock stands still; the QSTASH_* variables are set."""
    from qstash_cli.testing.local_qstash import set_variables

    _qstash_server.reset()
    set_variables(_qstash_server, monkeypatch)
    return _qstash_server


@pytest.fixture(scope="session")
def qstash_session() -> Iterator[LocalQStash]:
    """Like `qstash`, for the whole session: it keeps its data between tests."""
    from qstash_cli.testing.local_qstash import running_qstash, set_variables

    with running_qstash() as server, pytest.MonkeyPatch.context() as monkeypatch:
        set_variables(server, monkeypatch)
        yield server


@pytest.fixture(scope="session")
def _qstash_endpoint() -> Iterator[Endpoint]:
    from qstash_cli.testing.sink import running

    with running() as endpoint:
        yield endpoint


@pytest.fixture
def qstash_sink(_qstash_endpoint: Endpoint) -> Sink:
    """An endpoint that records its requests, and fails when a test wants it to."""
    return _qstash_endpoint.new_sink()
