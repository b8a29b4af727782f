"""A host that never responds does not delay other hosts."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.limits import PLANS
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.figures import Figures
from tests.sink import Sink
from tests.stopping import stopped_later

HOSTS = "server, hosts that never respond"
Eventually = Callable[..., object]


@contextlib.contextmanager
def silent_host() -> Iterator[tuple[str, list[socket.socket]]]:
    """A host that accepts every connection and never responds. Yields it with its connections."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted.append(listener.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", accepted
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for connection in accepted:
        connection.close()


@contextlib.contextmanager
def server(config: ServerConfig) -> Iterator[httpx.Client]:
    token = {"Authorization": f"Bearer {DEV_USER.token}"}
    with (
        stopped_later(running_server(config)) as url,
        plain_http.Client(base_url=url, headers=token) as http,
    ):
        yield http


def publish_many(http: httpx.Client, url: str, count: int, **headers: str) -> None:
    items = [{"destination": url, "headers": headers} for _ in range(count)]
    http.post("/v2/batch", json=items).raise_for_status()


@pytest.mark.parametrize("plan", ["free", "payg"])
@pytest.mark.parametrize("silent_hosts", [1, 3])
def test_another_host_gets_its_deliveries_at_once(
    *, sink: Sink, eventually: Eventually, figures: Figures, plan: str, silent_hosts: int
) -> None:
    config = ServerConfig(port=0, limits=PLANS[plan]._replace(messages_per_day=None))
    with contextlib.ExitStack() as stack:
        hosts = [stack.enter_context(silent_host()) for _ in range(silent_hosts)]
        http = stack.enter_context(server(config))
        for url, _ in hosts:
            publish_many(http, url, 150)
        eventually(lambda: all(accepted for _, accepted in hosts))

        began_at = time.monotonic()
        http.post(f"/v2/publish/{sink.url}").raise_for_status()
        # A delivery that waits for the silent hosts waits for their timeout, of minutes at least.
        eventually(lambda: sink.received)
        took_s = time.monotonic() - began_at

    figures(HOSTS, cases=150 * silent_hosts, slowest_s=f"{took_s:.2f}")
    assert len(sink.received) == 1


def test_a_host_with_a_full_flow_control_key_still_gets_other_messages(
    sink: Sink, eventually: Eventually
) -> None:
    with silent_host() as (url, accepted), server(ServerConfig(port=0)) as http:
        one_at_a_time = {
            "Upstash-Flow-Control-Key": "k",
            "Upstash-Flow-Control-Value": "parallelism=1",
        }
        publish_many(http, url, 150, **one_at_a_time)
        publish_many(http, url, 1)
        eventually(lambda: len(accepted) == 2)

        publish_many(http, sink.url, 1)
        eventually(lambda: sink.received)

        key = http.get("/v2/flowControl/k").json()
        assert (key["parallelismCount"], key["waitListSize"]) == (1, 149)
