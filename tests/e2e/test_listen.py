"""`listen` prints and verifies requests, and saves them for `verify`."""

from __future__ import annotations

import re
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import plain_http
from tests.e2e.conftest import Listen
from tests.e2e.terminal import on_terminal
from tests.in_process import Qstash
from tests.sink import Sink
from tests.trust.raw_server import Connection, raw_server


def test_deliveries_are_printed_verified_failed_once_and_saved(
    local: Qstash, listen: Listen, tmp_path: Path
) -> None:
    listener = listen("--dev", "--fail-first", "1", "--save", str(tmp_path / "captured"))

    message_id = local(
        "publish", f"{listener.url}/hook?a=%20", "name=ada", "--retry-delay", "10"
    ).out.strip()
    first, second = listener.record(), listener.record()

    assert (first["status"], first["retried"], second["status"]) == (500, "0", 200)
    assert (second["signature"], second["retried"], second["messageId"]) == (
        "valid", "1", message_id,
    )  # fmt: skip
    for name in ("0001.http", "0002.http"):
        run = local("verify", "--request", str(tmp_path / "captured" / name), "-o", "json")
        assert run.code == 0, run
        assert run.json["url"] == f"{listener.url}/hook?a=%20"


def test_the_report_of_a_callback_is_decoded(local: Qstash, listen: Listen, sink: Sink) -> None:
    listener = listen("--dev")
    sink.body = b"thanks"

    local("publish", sink.url, "-d", "hello", "--callback", f"{listener.url}/callback")
    shown = listener.record()

    assert shown["path"] == "/callback"
    assert (shown["report"]["body"], shown["report"]["sourceBody"]) == ("thanks", "hello")


def test_requests_are_forwarded_and_unsigned_ones_are_marked(listen: Listen, sink: Sink) -> None:
    listener = listen("--dev", "--to", f"{sink.url}/base")
    sink.statuses = [418]

    response = plain_http.post(f"{listener.url}/x?y=1", content=b"body")

    assert (response.status_code, response.content) == (418, b"ok")
    assert (sink.received[0].path, sink.received[0].body) == ("/base/x?y=1", b"body")
    assert listener.record()["signature"] == "none"


@pytest.mark.parametrize("status", [b"999 What", b"101 Switching"])
def test_a_status_that_cannot_be_forwarded_becomes_502(listen: Listen, status: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.say(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    with raw_server(script) as server:
        listener = listen("--dev", "--to", server.url)
        response = plain_http.post(listener.url)

    assert response.status_code == 502
    assert listener.record()["status"] == 502


def test_an_invalid_signature_is_printed_with_its_reason(local: Qstash, listen: Listen) -> None:
    listener = listen("--dev")
    token = local("sign", "--url", f"{listener.url}/hook", "-d", "hello", "-q").out.strip()
    headers = {"Upstash-Signature": token}

    plain_http.post(f"{listener.url}/hook", content=b"hello", headers=headers)
    plain_http.post(f"{listener.url}/hook", content=b"changed", headers=headers)
    plain_http.post(f"{listener.url}/other", content=b"hello", headers=headers)
    valid, changed, elsewhere = (listener.record() for _ in range(3))

    assert (valid["signature"], valid["reason"]) == ("valid", None)
    assert (changed["signature"], elsewhere["signature"]) == ("invalid", "invalid")
    assert changed["reason"].startswith("body failed")
    assert elsewhere["reason"].startswith("sub failed")


def test_a_record_has_the_time_of_the_request_and_the_duration_of_the_response(
    listen: Listen,
) -> None:
    listener = listen("--latency", "1s")

    sent_s = time.time()
    plain_http.post(listener.url)
    received_s = time.time()
    record = listener.record()

    assert round(sent_s * 1000) <= record["time"] <= round(received_s * 1000) - 1000
    # Both ends are rounded.
    assert 1000 <= record["durationMs"] <= (received_s - sent_s) * 1000 + 1


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_has_a_coloured_line_per_request_and_the_reason_below(
    local: Qstash, tmp_path: Path, columns: int
) -> None:
    with on_terminal("listen", "--dev", home=tmp_path, columns=columns) as terminal:
        url = terminal.read_until(r"listening at (\S+)")[1]
        plain_http.post(f"{url}/unsigned")
        token = local("sign", "--url", f"{url}/x", "-d", "hello", "--dev", "-q").out.strip()
        signed = {"Upstash-Signature": token}
        plain_http.post(f"{url}/y", content=b"hello", headers=signed)
        terminal.read_until(r"but\s+/x\s+was\s+signed")
        text = terminal.text

    time_of_day = r"\d\d:\d\d:\d\d"
    assert re.search(rf"^{time_of_day} +POST +200 +\d+ ms +- none +/unsigned$", text, re.MULTILINE)
    assert re.search(rf"^{time_of_day} +POST +200 +\d+ ms +✗ invalid +/y$", text, re.MULTILINE)
    assert re.search(r"^reason: sub failed: the path", text, re.MULTILINE)
    assert "\x1b[31m✗ invalid" in terminal.raw
    assert " \n" not in text


def test_ctrl_c_during_a_response_stops_it_immediately(listen: Listen) -> None:
    listener = listen("--dev", "--latency", "1h")
    address = urlsplit(listener.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n")
        # The server sends 100 Continue once it handles the request.
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        listener.process.send_signal(signal.SIGINT)
        _, err = listener.process.communicate(timeout=60)

    assert listener.process.returncode == 130
    assert "Traceback" not in err


def test_a_port_in_use_is_reported(qstash: Qstash, sink: Sink) -> None:
    port = sink.url.rpartition(":")[2]

    run = qstash("listen", "--port", port, "--dev")

    assert run.code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in run.err


@pytest.mark.parametrize("form", [(), ("-o", "text"), ("-o", "table")])
def test_a_query_over_requests_that_never_end_is_refused(
    qstash: Qstash, form: tuple[str, ...]
) -> None:
    run = qstash("listen", "--dev", "--query", "[].path", *form)

    assert run.code == 2
    assert run.err == (
        "error: listen with --query needs -o jsonl, which applies the query to each entry\n"
        "hint: add -o jsonl\n"
    )
