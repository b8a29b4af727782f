"""Previews of requests. The curl commands are run, and the received requests are compared."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from qstash_cli.errors import BadInput
from qstash_cli.output.curl import curl_command, request_record, request_text
from qstash_cli.output.safe import UNSAFE

Run = Callable[[str, str], None]

TOKEN = "t0ken=="
SHELLS = [found for name in ("sh", "bash", "zsh", "dash") if (found := shutil.which(name))]
# A replacement for machines without curl, with the options that the commands use.
STAND_IN = f"""#!{sys.executable}
import http.client, sys, urllib.parse
method, headers, body, url, words = "GET", [], None, "", iter(sys.argv[1:])
for word in words:
    if word == "-X": method = next(words)
    elif word == "-H": headers.append(next(words))
    elif word == "--data-binary": body = next(words)
    elif word == "--head": method = "HEAD"
    elif not word.startswith("-"): url = word
parts = urllib.parse.urlsplit(url)
connection = http.client.HTTPConnection(parts.netloc)
connection.putrequest(method, url.split(parts.netloc, 1)[1])
for header in headers:
    name, mark, value = header.partition(":")
    if mark and value: connection.putheader(name, value.strip().encode())
    elif not mark: connection.putheader(name.rstrip(";"), "")
data = sys.stdin.buffer.read() if body == "@-" else (body or "").encode()
if data: connection.putheader("Content-Length", str(len(data)))
connection.endheaders(data)
connection.getresponse().read()
"""

BODIES = {
    "json": b'{"a": "it\'s", "b": [1, null]}',
    "dollars and backticks": b"$HOME `id` $(id) ${x} !! \\ \\n \" ' '' %s %%",
    "lines": b"one\ntwo\r\nthree\n\n",
    "utf-8": "ünï ✓ 日本 \U0001f600".encode(),
    "nul": b"a\0b\0",
    "every byte": bytes(range(256)) + b"123",
    "at": b"@/etc/passwd",
    "hyphen": b"-n \x01",
    "hidden": "a\u202eb\u200b".encode(),
    "large": b"x'y\n" * 60_000,
}
HEADERS = [
    ("Upstash-Forward-Quote", 'it\'s "$HOME" `id` \\ $(id) !! %s'),
    ("Upstash-Forward-At", "@file"),
    ("Upstash-Forward-Empty", ""),
    ("Upstash-Forward-Utf8", "ünï"),
    ("Upstash-Forward-Tab", "a\tb"),
    ("Upstash-Label", "a;b"),
]
TARGET = "/v2/publish/https://a.example/../x//y[1-3]{a,b}?q='$HOME'&r=%20"


class _Recorder(HTTPServer):
    method = ""
    target = ""
    headers: tuple[tuple[str, str], ...] = ()
    body = b""


class _Handler(BaseHTTPRequestHandler):
    server: _Recorder

    def _record(self) -> None:
        self.server.method, self.server.target = self.command, self.path
        self.server.headers = tuple(self.headers.items())
        self.server.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._record
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@pytest.fixture
def server() -> Iterator[_Recorder]:
    recorder = _Recorder(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=recorder.serve_forever, args=(0.01,))
    thread.start()
    yield recorder
    recorder.shutdown()
    thread.join()
    recorder.server_close()


@pytest.fixture
def run(tmp_path: Path, server: _Recorder) -> Iterator[Run]:
    path = os.environ["PATH"]
    if shutil.which("curl") is None:
        (tmp_path / "curl").write_text(STAND_IN, encoding="utf-8")
        (tmp_path / "curl").chmod(0o755)
        path = f"{tmp_path}:{path}"
    environment = {"PATH": path, "QSTASH_TOKEN": TOKEN, "HOME": "/nowhere", "LC_ALL": "C.UTF-8"}

    def run(shell: str, command: str) -> None:
        # The script is a file, because Linux limits an argument to 128 KiB, but not a pasted line.
        script = tmp_path / "script"
        script.write_text(f"{command}\n", encoding="utf-8", newline="")
        subprocess.run(  # noqa: S603 - the test runs the generated command
            [shell, str(script)], env=environment, check=True, timeout=60, capture_output=True
        )

    yield run
    assert server.target == TARGET


def _url(server: _Recorder) -> str:
    return f"http://127.0.0.1:{server.server_port}{TARGET}"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_command_sends_exactly_the_same_bytes(
    shell: str, body: bytes, run: Run, server: _Recorder
) -> None:
    run(shell, curl_command("POST", _url(server), HEADERS, body))

    assert server.method == "POST"
    assert server.body == body


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_sends_exactly_the_same_headers(
    shell: str, run: Run, server: _Recorder
) -> None:
    run(shell, curl_command("PUT", _url(server), HEADERS, b"x"))

    sent = {name: value.encode("latin-1").decode() for name, value in server.headers}
    assert sent["Authorization"] == f"Bearer {TOKEN}"
    assert {name: sent[name] for name, _ in HEADERS} == dict(HEADERS)
    assert "Content-Type" not in sent


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "HEAD"])
def test_a_request_without_a_body_has_no_body(method: str, run: Run, server: _Recorder) -> None:
    run(SHELLS[0], curl_command(method, _url(server), [], b""))

    sent = dict(server.headers)
    assert server.method == method
    assert sent.get("Content-Length") == ("0" if method == "POST" else None)
    assert "Content-Type" not in sent


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_pasted_command_triggers_no_key_bindings(body: bytes) -> None:
    command = curl_command("POST", "https://q.example/\x1b", [("A", "b\x1b")], body)

    assert not re.search(UNSAFE, command.replace("\n", ""))


def test_the_command_is_readable() -> None:
    headers = [("Content-Type", "text/plain"), ("authorization", "Bearer secret")]

    assert curl_command("POST", "https://q.example/v2/x", headers, b"hi") == (
        "curl -X POST --globoff --path-as-is https://q.example/v2/x"
        ' -H "Authorization: Bearer $QSTASH_TOKEN"'
        " -H 'Content-Type: text/plain' --data-binary hi"
    )


def test_a_header_that_http_cannot_express_is_refused() -> None:
    with pytest.raises(BadInput, match="X-A"):
        curl_command("POST", "https://q.example", [("X-A", "b\r\nX-C: d")], b"")


def test_the_text_contains_the_request_without_the_token() -> None:
    headers = [("Authorization", "Bearer secret"), ("Upstash-Delay", "10s\x1b")]

    assert request_text("POST", "/v2/publish/https://a.example", headers, b"one\ntwo") == (
        "POST /v2/publish/https://a.example\nAuthorization: Bearer …\nUpstash-Delay: 10s\\x1b\n"
        "\none\ntwo\n"
    )
    assert request_text("GET", "/v2/logs", [], b"") == "GET /v2/logs\nAuthorization: Bearer …\n"
    assert request_text("PUT", "/", [], b"\xff\0").endswith("\n(2 bytes that are not text)\n")


def test_the_record_contains_the_request_without_the_token() -> None:
    headers = [("AUTHORIZATION", "Bearer secret"), ("A", "1"), ("A", "2")]

    record = request_record("POST", "https://q.example", headers, "ü".encode())

    assert record == {
        "method": "POST",
        "url": "https://q.example",
        "headers": {"Authorization": "Bearer …", "A": "1, 2"},
        "body": "ü",
    }
    binary = request_record("POST", "https://q.example", [], b"\xff")
    assert base64.b64decode(binary["bodyBase64"]) == b"\xff"
    assert "body" not in binary
    assert "body" not in request_record("GET", "https://q.example", [], b"")
