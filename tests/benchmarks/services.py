"""Processes that serve while others are timed: the sink, `qstash dev`, a bare Starlette."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running process and its URLs."""

    urls: Sequence[str]
    pid: int

    @property
    def url(self) -> str:
        """The first URL."""
        return self.urls[0]

    def tally(self) -> dict[str, Any]:
        """Returns the counts of a sink since the last report."""
        return self._get("/tally")

    def tally_so_far(self) -> dict[str, Any]:
        """Returns the counts of a sink without resetting them."""
        return self._get("/tally/so-far")

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}{path}") as response:  # noqa: S310 - a server of the benchmark
            tally: dict[str, Any] = json.load(response)
        return tally

    @property
    def memory_mb(self) -> float:
        """Returns the memory of the process in megabytes."""
        argv = ["ps", "-o", "rss=", "-p", str(self.pid)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)  # noqa: S603
        return int(done.stdout) / 1024


@contextmanager
def running(argv: Sequence[str], env: Mapping[str, str]) -> Iterator[Service]:
    """Runs a process that prints its URLs in one line."""
    process = subprocess.Popen(  # noqa: S603 - a command of the benchmark
        argv, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if urls := re.findall(r"http://[\w.]+:\d+", line):
                yield Service(urls=urls, pid=process.pid)
                return
        raise RuntimeError(f"{' '.join(argv)} did not start")
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def running_sink(env: Mapping[str, str], ports: int = 1) -> Iterator[Service]:
    """Runs a sink on `ports` ports."""
    with running([sys.executable, str(_HERE / "sink.py"), str(ports)], env) as service:
        yield service


@contextmanager
def running_dev(ours: Path, env: Mapping[str, str], *argv: str) -> Iterator[Service]:
    """Runs `qstash dev` on a free port."""
    command = [str(ours / "qstash"), "dev", "--port", "0", *argv]
    with running(command, env) as service:
        yield service


def request_of(service: Service, path: str, body: bytes, *headers: str) -> bytes:
    """Returns the bytes of a POST to a service."""
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {service.url.removeprefix('http://')}",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


def load(service: Service, request: Path, *, connections: int, times: int) -> float:
    """Measures the number of such requests per second that a service responds to."""
    host, port = service.url.removeprefix("http://").split(":")
    argv = [sys.executable, str(_HERE / "load.py"), host, port, str(connections), str(times)]
    done = subprocess.run(  # noqa: S603 - a command of the benchmark
        [*argv, str(request)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the load on {service.url} failed: {done.stderr[-600:]}")
    return float(done.stdout)
