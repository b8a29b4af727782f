"""Clients that never finish are disconnected in time, and do not block others."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.uvicorn_config import ClientLimits
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.conftest import Dev
from tests.figures import Figures
from tests.stopping import stopped_later
from tests.trust.conftest import client_of
from tests.trust.slow_clients import WAYS, SlowClients

CLASS = "slow clients"
Eventually = Callable[..., object]

PATIENCE = ClientLimits(head_s=1.5, body_s=1.5, response_s=1.5, idle_s=2)
# Without a request there is no response.
UNANSWERED = {"nothing", "idle after a request"}


@pytest.fixture
def server_url() -> Iterator[str]:
    """A server with short timeouts."""
    with stopped_later(running_server(ServerConfig(port=0, clients=PATIENCE))) as url:
        yield url


@pytest.mark.parametrize("name", WAYS)
def test_a_client_that_does_not_finish_is_disconnected_in_time(
    http: httpx.Client, log_lines: list[str], eventually: Eventually, figures: Figures, name: str
) -> None:
    began_at = time.monotonic()
    with SlowClients(str(http.base_url), WAYS[name], 5) as clients:
        eventually(lambda: not clients.open)
        took_s = time.monotonic() - began_at
        received = clients.received

    assert http.get("/v2/keys").status_code == 200
    figures(CLASS, cases=5)
    if not WAYS[name].then:
        # A client that is still sending may lose the response and get an error.
        assert took_s >= PATIENCE.head_s
        assert received.count(b" 408 ") == (0 if name in UNANSWERED else 5)
    assert log_lines == []


@pytest.mark.usefixtures("all_stopped")
def test_a_client_that_does_not_read_is_disconnected_in_time(
    http: httpx.Client, eventually: Eventually, figures: Figures
) -> None:
    before = open_files()
    path, delay = "/v2/publish/http://127.0.0.1:9", {"Upstash-Delay": "1h"}
    message_id = http.post(path, content=bytes(8_000_000), headers=delay).json()["messageId"]
    request = f"GET /v2/messages/{message_id} HTTP/1.1\r\nHost: localhost\r\n".encode()
    token = f"Authorization: Bearer {DEV_USER.token}\r\n\r\n".encode()
    http.close()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", http.base_url.port or 0))
        # The server runs in this process, so its end of each connection is an open file too.
        eventually(lambda: open_files() == before + 2)
        connection.sendall(request + token)
        eventually(lambda: open_files() == before + 1)
        # The response was cut, since nobody read it.
        received = 0
        with suppress(OSError):
            while data := connection.recv(1 << 16):
                received += len(data)

    figures(CLASS, cases=1)
    assert received < 8_000_000


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


# The usual limit of open files per process.
LIMITED = ("sh", "-c", 'ulimit -n 1024; exec "$@"', "sh")
CONNECTIONS = 1100
# A third of the 30 s after which an unfinished request ends.
LONGEST_S = 10
RESPONSES = 30


@pytest.mark.parametrize(
    "ways", [["half a body"], ["a body in drops"], sorted(WAYS)], ids=["no end", "drops", "all"]
)
def test_1100_unfinished_connections_do_not_block_others(
    start_dev: Callable[..., Dev], tmp_path: Path, figures: Figures, ways: list[str]
) -> None:
    errors = tmp_path / "stderr"
    dev = start_dev("--port", "0", "--quiet", before=LIMITED, stderr=errors)
    slowest_s = 0.0
    with ExitStack() as clients:
        for name in ways:
            each = CONNECTIONS // len(ways) + 1
            clients.enter_context(SlowClients(dev.url, WAYS[name], each, pause_s=0.5))
        for _ in range(RESPONSES):
            with client_of(dev) as http:
                began_at = time.monotonic()
                assert http.get("/v2/keys").status_code == 200
                slowest_s = max(slowest_s, time.monotonic() - began_at)

    written = errors.stat().st_size
    figures(
        CLASS, cases=CONNECTIONS, failures=int(slowest_s > LONGEST_S),
        slowest_ms=f"{slowest_s * 1000:.0f}", stderr_bytes=written,
    )  # fmt: skip
    assert slowest_s < LONGEST_S
    assert written < 4000


def test_a_server_recovers_after_running_out_of_file_descriptors(
    start_dev: Callable[..., Dev], tmp_path: Path, eventually: Eventually, figures: Figures
) -> None:
    errors = tmp_path / "stderr"
    few = ("sh", "-c", 'ulimit -n 40; exec "$@"', "sh")
    dev = start_dev("--port", "0", "--quiet", before=few, stderr=errors)
    with SlowClients(dev.url, WAYS["half a body"], 200):
        eventually(lambda: errors.stat().st_size)
    with client_of(dev) as http:
        assert http.get("/v2/keys").status_code == 200

    figures(CLASS, cases=200, stderr_bytes=errors.stat().st_size)
    assert errors.stat().st_size < 8000
