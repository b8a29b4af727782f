"""Fixtures: servers under attack, in this process and in processes of their own."""

from __future__ import annotations

import ctypes
import logging
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import plain_http
from tests.e2e.conftest import Dev, listen, start_dev  # noqa: F401 - fixtures

AUTHORISED = {"Authorization": f"Bearer {DEV_USER.token}"}


@pytest.fixture
def http(server_url: str) -> Iterator[httpx.Client]:
    """A client with the token of a fresh embedded server."""
    with plain_http.Client(base_url=server_url, headers=AUTHORISED, timeout=30) as client:
        yield client


class LogLines(logging.Handler):
    """Collects what the server would print on the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Stores a line with its traceback."""
        self.texts.append(logging.Formatter().format(record))


@pytest.fixture
def log_lines(server_url: str, all_stopped: None) -> Iterator[list[str]]:  # noqa: ARG001 - the server configures logging first, and those of earlier tests log no more
    """The log lines of the servers in this process."""
    handler = LogLines()
    loggers = [logging.getLogger(n) for n in ("uvicorn.error", "asyncio", "qstash_cli.server")]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler.texts
    for logger in loggers:
        logger.removeHandler(handler)


def client_of(dev: Dev) -> httpx.Client:
    """Returns a client with the token of a server process."""
    return plain_http.Client(base_url=dev.url, headers=AUTHORISED, timeout=60)


# Root can read and write every file; a process without these capabilities cannot.
_WITHOUT_CAPABILITIES = (
    "import ctypes, os, sys\n"
    "for capability in (1, 2):\n"
    "    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])"
)


def unprivileged() -> tuple[str, ...]:
    """Returns a command prefix that drops root's file permissions."""
    is_linux = hasattr(ctypes.CDLL(None), "prctl")
    return (sys.executable, "-c", _WITHOUT_CAPABILITIES) if is_linux else ()


def resident_kb(dev: Dev) -> int:
    """Returns the resident memory of the process."""
    command = ["ps", "-o", "rss=", "-p", str(dev.process.pid)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603 - a command of the test


def states(http: httpx.Client, message_id: str) -> list[str]:
    """Returns the log states of a message, newest first."""
    # Full bodies would exceed the size of a page.
    given = {"messageId": message_id, "trimBody": "1"}
    found = http.get("/v2/logs", params=given).json()["logs"]
    return [entry["state"] for entry in found]


def publish(http: httpx.Client, url: str, **headers: str) -> str:
    """Publishes a message and returns its id. Underscores in header names become dashes."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    response = http.post(f"/v2/publish/{url}", headers=given)
    assert response.status_code == 201, response.text
    return str(response.json()["messageId"])
