"""`qstash dev` reports what happens, a line for each event."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from tests import plain_http
from tests.e2e.conftest import QSTASH, plain_environment
from tests.polling import poll

_TOKEN = {"Authorization": f"Bearer {DEV_USER.token}"}
_WITHIN_S = 60.0
_URL = re.compile(r"http://127\.0\.0\.1:\d+(?=.*\n)")


class _Dev:
    """A running server, whose output is in files."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def out(self) -> str:
        return (self._folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self._folder / "err").read_text()

    @property
    def records(self) -> list[dict[str, Any]]:
        whole_lines, _, _ = self.out.rpartition("\n")
        return [json.loads(line) for line in whole_lines.splitlines()]

    @property
    def url(self) -> str:
        found = _URL.search(self.out)
        assert found, self.out + self.err
        return found[0]

    def publish(self, destination: str, body: str = "{}", **options: str) -> str:
        headers = {f"Upstash-{name.replace('_', '-')}": value for name, value in options.items()}
        response = plain_http.post(
            f"{self.url}/v2/publish/{destination}", content=body, headers=_TOKEN | headers
        )
        assert response.status_code == 201, response.text
        return str(response.json()["messageId"])

    def wait_for(self, is_there: Callable[[], object]) -> None:
        poll(is_there, _WITHIN_S)


@contextmanager
def _dev(folder: Path, *argv: str) -> Iterator[_Dev]:
    folder.mkdir(exist_ok=True)
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(  # noqa: S603 - our own words
            [*QSTASH, "dev", "--port", "0", *argv],
            env=plain_environment(folder),
            stdout=out,
            stderr=err,
        )
        dev = _Dev(process, folder)
        try:
            dev.wait_for(lambda: _URL.search(dev.out))
            yield dev
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(_WITHIN_S) == 130 or process.returncode == 0, dev.err


@pytest.fixture
def endpoint() -> Iterator[LocalEndpoint]:
    def respond(request: Received) -> tuple[int, bytes]:
        return (503 if request.path == "/fails" else 200), b"response body"

    with running_endpoint(respond, 0) as running:
        yield running


def test_a_line_for_each_step_of_a_message(tmp_path: Path, endpoint: LocalEndpoint) -> None:
    with _dev(tmp_path / "dev") as dev:
        delivered = dev.publish(f"{endpoint.url}/works")
        dev.publish(f"{endpoint.url}/fails", Retries="1", Retry_Delay="1")
        dev.wait_for(lambda: " failed " in dev.err)
        dev.wait_for(lambda: " delivered " in dev.err)
    lines = dev.err.splitlines()
    assert any(f"published POST {endpoint.url}/works {delivered}" in line for line in lines), lines
    assert any(re.search(r"delivered POST \S+/works 200 in \d", line) for line in lines), lines
    assert any(
        re.search(r"retrying POST \S+/fails 503 in .*, retry 1 of 1 in ", line) for line in lines
    ), lines
    assert any(re.search(r"failed POST \S+/fails 503, in the DLQ after 2 attempts", line)
               for line in lines), lines  # fmt: skip
    assert "\x1b" not in dev.err


def test_a_refused_request_is_reported_with_its_reason(tmp_path: Path) -> None:
    with _dev(tmp_path / "dev") as dev:
        plain_http.post(f"{dev.url}/v2/publish/no-url?qstash_token=wrong")
        plain_http.post(f"{dev.url}/v2/publish/ftp://example.com", headers=_TOKEN)
        dev.wait_for(lambda: dev.err.count("refused") == 2)
    assert "refused POST /v2/publish/no-url 401 in " in dev.err
    assert "unable to authenticate: invalid token" in dev.err
    assert "wrong" not in dev.err
    assert "400 in " in dev.err
    assert "invalid destination url" in dev.err


def test_quiet_and_a_private_server_write_no_events(
    tmp_path: Path, endpoint: LocalEndpoint
) -> None:
    with _dev(tmp_path / "dev", "--quiet") as dev:
        dev.publish(f"{endpoint.url}/works")
        dev.wait_for(lambda: endpoint.received)
    assert dev.err == ""
    script = f"{' '.join(QSTASH)} publish {endpoint.url}/works a=1 --wait"
    done = subprocess.run(  # noqa: S603 - our own words
        [*QSTASH, "dev", "--", "sh", "-c", script],
        env=plain_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "published" not in done.stderr.replace("was published", ""), done.stderr


def test_verbose_adds_headers_and_bodies_without_secrets(
    tmp_path: Path, endpoint: LocalEndpoint
) -> None:
    with _dev(tmp_path / "dev", "-v") as dev:
        dev.publish(
            f"{endpoint.url}/works",
            '{"name": "ada"}',
            Forward_Authorization="Bearer secret-of-the-endpoint",
            Forward_X_Trace="trace-1",
        )
        dev.publish(f"{endpoint.url}/works", "private", Redact_Fields="body")
        dev.wait_for(lambda: dev.err.count(" delivered ") == 2)
        dev.wait_for(lambda: len(re.findall(r"request POST \S+/works 201 in ", dev.err)) == 2)
    assert '    {"name": "ada"}' in dev.err
    assert "    X-Trace: trace-1" in dev.err
    assert "    Authorization: ***" in dev.err
    assert "secret-of-the-endpoint" not in dev.err
    assert "private" not in dev.err
    assert "    response body" in dev.err


def test_json_lines_begin_with_the_variables(tmp_path: Path, endpoint: LocalEndpoint) -> None:
    with _dev(tmp_path / "dev", "-o", "jsonl") as dev:
        message_id = dev.publish(f"{endpoint.url}/fails", Retries="0")
        dev.wait_for(lambda: any(one["event"] == "failed" for one in dev.records))
    ready, *events = dev.records
    assert ready["event"] == "ready"
    assert ready["QSTASH_TOKEN"] == DEV_USER.token
    assert ready["QSTASH_URL"] == ready["url"]
    assert [one["event"] for one in events] == ["published", "failed"]
    failed = events[-1]
    assert failed["messageId"] == message_id
    assert failed["responseStatus"] == 503
    assert failed["attempt"] == 1
    assert failed["durationMs"] >= 0


def test_hostile_text_is_escaped(tmp_path: Path) -> None:
    with _dev(tmp_path / "dev") as dev:
        plain_http.post(f"{dev.url}/v2/publish/%1b[31mred%0a", headers=_TOKEN)
        plain_http.request("BOOM", f"{dev.url}/v2/x", headers=_TOKEN)
        dev.wait_for(lambda: dev.err.count("refused") == 2)
    assert "\x1b" not in dev.err
    assert len(dev.err.splitlines()) == 2


def test_an_output_that_nobody_reads_stops_neither_deliveries_nor_the_end(
    tmp_path: Path, endpoint: LocalEndpoint
) -> None:
    number = 1000
    read, write = os.pipe()
    process = subprocess.Popen(  # noqa: S603 - our own words
        [*QSTASH, "dev", "--port", "0", "--ready-file", str(tmp_path / "ready")],
        env=plain_environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=write,
    )
    os.close(write)
    try:
        poll((tmp_path / "ready").exists, _WITHIN_S)
        found = _URL.search((tmp_path / "ready").read_text())
        assert found
        items = [{"destination": f"{endpoint.url}/works", "body": str(i)} for i in range(number)]
        with plain_http.Client(timeout=60) as client:
            for start in range(0, number, 500):
                response = client.post(
                    f"{found[0]}/v2/batch", json=items[start : start + 500], headers=_TOKEN
                )
                assert response.status_code == 200
        poll(lambda: len(endpoint.received) >= number, 120)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(_WITHIN_S) in {0, 130}
        os.close(read)
