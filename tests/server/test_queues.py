"""Queues keep their order through retries, callbacks and restarts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http

Eventually = Callable[[Callable[[], object]], object]


def enqueue(url: str, destination: str, body: str, **headers: str) -> None:
    response = plain_http.post(
        f"{url}/v2/enqueue/line/{destination}",
        headers={"Authorization": f"Bearer {DEV_USER.token}", "Upstash-Retry-Delay": "20"}
        | {f"Upstash-{name.replace('_', '-')}": value for name, value in headers.items()},
        content=body,
    )
    assert response.status_code == 201


def test_two_hundred_messages_keep_their_order_although_every_tenth_fails_at_first(
    server_url: str, eventually: Eventually
) -> None:
    def respond(request: Received) -> tuple[int, bytes]:
        fails = int(request.body) % 10 == 0 and request.header("upstash-retried") == "0"
        return (500 if fails else 200), b""

    with running_endpoint(respond) as endpoint:
        for number in range(200):
            enqueue(server_url, endpoint.url, str(number))
        eventually(lambda: len(endpoint.received) == 220)

    expected = [n for n in range(200) for _ in range(2 if n % 10 == 0 else 1)]
    assert [int(request.body) for request in endpoint.received] == expected


def test_the_next_message_waits_for_the_callback_of_the_previous_one(
    server_url: str, eventually: Eventually
) -> None:
    may_end = threading.Event()

    def respond(request: Received) -> tuple[int, bytes]:
        if request.path == "/callback":
            may_end.wait(60)
        return 200, b""

    with running_endpoint(respond) as endpoint:
        enqueue(server_url, f"{endpoint.url}/1", "", Callback=f"{endpoint.url}/callback")
        enqueue(server_url, f"{endpoint.url}/2", "")
        eventually(lambda: len(endpoint.received) == 2)
        before = [request.path for request in endpoint.received]
        may_end.set()
        eventually(lambda: len(endpoint.received) == 3)

    assert before == ["/1", "/callback"]
    assert endpoint.received[-1].path == "/2"


def test_a_callback_blocks_its_queue_across_a_restart(
    tmp_path: Path, eventually: Eventually
) -> None:
    fails = True

    def respond(request: Received) -> tuple[int, bytes]:
        return (500 if fails and request.path == "/callback" else 200), b""

    # The callback is not tried again before the clock is moved.
    config = ServerConfig(port=0, db=tmp_path / "q.db", speed=0)
    with running_endpoint(respond) as endpoint:
        with running_server(config) as url:
            retry_in = {"Callback_Retries": "3", "Callback_Retry_Delay": "60000"}
            enqueue(url, f"{endpoint.url}/1", "", Callback=f"{endpoint.url}/callback", **retry_in)
            enqueue(url, f"{endpoint.url}/2", "")
            eventually(lambda: "/callback" in [request.path for request in endpoint.received])
        fails = False
        with running_server(config) as url:
            headers = {"Authorization": f"Bearer {DEV_USER.token}"}
            # An attempt that was interrupted by the stop is made at the start, before the move.
            moved = plain_http.post(
                f"{url}/console/api/clock", json={"advance": "2m"}, headers=headers
            ).json()

    assert moved["settled"]
    paths = [request.path for request in endpoint.received]
    assert paths[0] == "/1"
    assert paths[-2:] == ["/callback", "/2"]
    assert paths.count("/2") == 1
