"""`qstash dev`: accepting messages, delivering them, and storing delayed ones."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from tests.benchmarks.installed import SCRIPTS
from tests.benchmarks.plan import Plan
from tests.benchmarks.rows import Goal, Row
from tests.benchmarks.services import (
    Service,
    load,
    request_of,
    running,
    running_dev,
    running_sink,
)
from tests.benchmarks.timing import compared

_CONNECTIONS = 16
# A host gets at most as many of the server's 100 places as remain free, so four hosts get about 20
# each.
_HOSTS = 4
_IN_FLIGHT = 80
_BODY = b'{"name":"ada","text":"%s"}' % (b"x" * 100)
_DELAYED = "Upstash-Delay: 1h"
_MOST_MEMORY_MB = 300.0
# The public token of the development server.
BEARER = (
    "Authorization: Bearer eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0="
)
_JSON = "Content-Type: application/json"


def accept(plan: Plan) -> Iterator[Row]:
    """Measures publishes per second. They are delayed, so nothing is delivered at the same time."""
    env, times = plan.env(), plan.size(10_000)
    bare = [str(plan.installed.ours / "python"), str(SCRIPTS / "bare_server.py")]
    for name, flags, least in (
        ("", (), 0.6),
        (" --db FILE", ("--db", str(plan.work / "accept.db")), 0.5),
    ):
        with running_dev(plan.installed.ours, env, *flags) as dev, running(bare, env) as peer:
            yield compared(
                f"dev{name} accepting",
                "a bare Starlette route",
                partial(accepted_per_s, plan, dev, times),
                partial(accepted_per_s, plan, peer, times),
                goal=Goal(bound="at least", ratio=least),
                rounds=plan.long_rounds,
                unit="/s",
            )


def console(plan: Plan) -> Iterator[Row]:
    """Publishes per second while a page of the console is open, against none."""
    env, times = plan.env(), plan.size(10_000)
    page = [str(plan.installed.ours / "python"), str(SCRIPTS / "console_page.py")]
    with (
        running_dev(plan.installed.ours, env) as watched,
        running_dev(plan.installed.ours, env) as alone,
        running([*page, watched.url], env),
    ):
        yield compared(
            "dev accepting with the console open",
            "the same without",
            partial(accepted_per_s, plan, watched, times),
            partial(accepted_per_s, plan, alone, times),
            goal=Goal(bound="at least", ratio=0.9),
            rounds=max(3, plan.long_rounds),
            unit="/s",
        )


def deliver(plan: Plan) -> Iterator[Row]:
    """Measures messages that are due at the same time, per second from the first to the last."""
    number, env = plan.size(10_000), plan.env()
    with running_sink(env, _HOSTS) as sink, running_dev(plan.installed.ours, env) as dev:
        urls = [f"{url}/take" for url in sink.urls]
        bare = [str(plan.installed.ours / "python"), str(SCRIPTS / "bare_deliveries.py")]
        bare += [str(number), str(_IN_FLIGHT), _BODY.decode(), *urls]
        yield compared(
            f"dev delivering {number:,}",
            f"httpx2 in a bare loop, {_IN_FLIGHT} at a time",
            lambda: _delivered_per_s(plan, dev, sink, number),
            lambda: _printed(bare, env),
            goal=Goal(bound="at least", ratio=0.8),
            rounds=plan.long_rounds,
            unit="/s",
        )


def delayed(plan: Plan) -> Iterator[Row]:
    """Compares the rate of accepting with many waiting messages and with none."""
    env, number, times = plan.env(), plan.size(100_000), plan.size(5000)
    with (
        running_dev(plan.installed.ours, env) as full,
        running_dev(plan.installed.ours, env) as empty,
    ):
        _fill(plan, full, number, ["https://example.com/hook"], _DELAYED)
        yield compared(
            f"dev with {number:,} delayed",
            "the same empty",
            partial(accepted_per_s, plan, full, times),
            partial(accepted_per_s, plan, empty, times),
            goal=Goal(bound="at least", ratio=0.8),
            rounds=max(3, plan.long_rounds),
            unit="/s",
        )
        memory_mb = full.memory_mb
    yield Row(
        what=f"memory with {number:,} delayed",
        against=f"{_MOST_MEMORY_MB:.0f} MB",
        unit="MB",
        ours=memory_mb,
        peer=_MOST_MEMORY_MB,
        ratio=memory_mb / _MOST_MEMORY_MB,
        goal=Goal(bound="at most", ratio=1.0),
    )


def _publish_file(plan: Plan, service: Service) -> Path:
    path = "/v2/publish/https://example.com/hook"
    file = plan.work / f"publish-{service.pid}.http"
    file.write_bytes(request_of(service, path, _BODY, BEARER, _JSON, _DELAYED))
    return file


def accepted_per_s(plan: Plan, service: Service, times: int) -> float:
    """Returns the number of delayed publishes per second that a service accepts."""
    request = _publish_file(plan, service)
    return load(service, request, connections=_CONNECTIONS, times=times)


def _fill(plan: Plan, dev: Service, number: int, urls: Sequence[str], *headers: str) -> None:
    chunk = min(500, number)
    pairs = dict(header.split(": ", 1) for header in (_JSON, *headers))
    items = [
        {"destination": url, "headers": pairs, "body": _BODY.decode()}
        for url in islice(cycle(urls), chunk)
    ]
    file = plan.work / f"fill-{dev.pid}.http"
    file.write_bytes(request_of(dev, "/v2/batch", json.dumps(items).encode(), BEARER))
    load(dev, file, connections=1, times=number // chunk)


def _delivered_per_s(plan: Plan, dev: Service, sink: Service, number: int) -> float:
    due_s = int(time.time()) + 3 + number // 2000
    sink.tally()
    urls = [f"{url}/take" for url in sink.urls]
    _fill(plan, dev, number, urls, f"Upstash-Not-Before: {due_s}")
    late_s = time.time() - due_s
    if late_s > 0:
        raise RuntimeError(f"the messages were due {late_s:.1f} s before all were there")
    arrived, took_s = 0, 0.0
    while arrived < number:
        # More frequent requests would take time from the measured server.
        time.sleep(0.5)
        tally = sink.tally_so_far()
        arrived, took_s = tally["requests"], tally["took_s"]
        if time.time() > due_s + 120:
            raise RuntimeError(f"only {arrived} of {number} messages were delivered")
    return (number - 1) / took_s


def _printed(argv: list[str], env: dict[str, str]) -> float:
    done = subprocess.run(  # noqa: S603 - a command of the benchmark
        argv, env=env, capture_output=True, text=True, check=True
    )
    return float(done.stdout)
