"""A manifest with a resource of every kind, and a proxy that records requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from tests.stopping import stopped_later

URL = "https://example.com"
SMALL = f"""
[queues.emails]
parallelism = 2
paused = true

[flow.openai]
rate = 10
period = "1m"
parallelism = 5

[urlgroups.orders]
endpoints = [{{ url = "{URL}/a", name = "first" }}, {{ url = "{URL}/b" }}]

[urlgroups.orders.headers]
Upstash-Retries = "5"
X-Team = "blue"

[schedules.nightly]
destination = "{URL}/hook"
cron = "0 3 * * *"
tz = "Europe/Berlin"
retries = 5
body = '{{"kind":"nightly"}}'
label = ["nightly", "reports"]
headers = {{ Content-Type = "application/json" }}
callback = {{ url = "{URL}/done", headers = {{ X-Of = "callback" }} }}

[schedules.fan]
destination = "orders"
cron = "*/5 * * * *"
paused = true
"""


@contextmanager
def proxy(server_url: str, refuse: Callable[[Received], bool]) -> Iterator[LocalEndpoint]:
    """Runs a real proxy that records requests. Those that `refuse` selects get a 500."""

    def forward(request: Received) -> tuple[int, bytes]:
        if refuse(request):
            return 500, b'{"error":"out of order"}'
        sent = Request(  # noqa: S310 - to the server of the test
            f"{server_url}{request.path}", request.body or None, method=request.method
        )
        for name, value in request.headers:
            if name.lower() not in {"host", "content-length", "connection"}:
                sent.add_header(name, value)
        try:
            with urlopen(sent) as response:  # noqa: S310 - the same
                return response.status, response.read()
        except HTTPError as refused:
            return refused.code, refused.read()

    with stopped_later(running_endpoint(forward)) as endpoint:
        yield endpoint


def writes(endpoint: LocalEndpoint) -> list[str]:
    return [f"{r.method} {r.path}" for r in endpoint.received if r.method != "GET"]
