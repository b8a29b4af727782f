"""A failing test prints the requests that it sent to QStash in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from qstash_cli.client.response import Response, TransportError
from qstash_cli.client.transport import HttpTransport

_LAST = 50
_made: deque[str] = deque(maxlen=_LAST)


@pytest.fixture(autouse=True)
def _requests_of_this_test() -> None:
    _made.clear()


@pytest.fixture(scope="session", autouse=True)
def _recorded_requests() -> Iterator[None]:
    send = HttpTransport.send

    def recorded(
        transport: HttpTransport, method: str, target: str, *args: Any, **kw: Any
    ) -> Response:
        try:
            response = send(transport, method, target, *args, **kw)
        except TransportError as error:
            _made.append(f"{method} {target}: {error!r}")
            raise
        _made.append(f"{method} {target}: {response.status_code}")
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpTransport, "send", recorded)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and _made:
        report.sections.append((f"the last {len(_made)} requests to QStash", "\n".join(_made)))
    return report
