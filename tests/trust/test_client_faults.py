"""Faults of servers and networks: a documented exit code, in time, and no duplicates."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qstash_cli.errors import ExitCode
from qstash_cli.output.safe import UNSAFE
from tests.e2e.conftest import plain_environment
from tests.faults import FAULTS, Proxy, running_proxy
from tests.figures import Figures
from tests.in_process import Qstash, Run
from tests.trust.raw_server import Connection, Script, raw_server

CLASS = "client faults"
TOKEN = "tok_0f8a61d1c2b94e7f"
TO = "https://example.com/hook"
# Without a limit of its own, a request to a server that does not finish would take forever.
LIMIT_S = 60.0
_GIB = 1_073_741_824
_BLOCK = b" " * 1_048_576
_CHUNK = b"100000\r\n" + _BLOCK + b"\r\n"


def chunked(connection: Connection, *headers: str) -> None:
    head = ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers, "", "")
    connection.say("\r\n".join(head).encode())


def endless(connection: Connection) -> None:
    chunked(connection)
    connection.drip(b"1\r\nx\r\n")


def endless_headers(connection: Connection) -> None:
    connection.say(b"HTTP/1.1 200 OK\r\n")
    connection.drip(b"X")


def endless_informational(connection: Connection) -> None:
    connection.drip(b"HTTP/1.1 102 Processing\r\n\r\n")


def a_gibibyte(connection: Connection) -> None:
    connection.say(f"HTTP/1.1 200 OK\r\nContent-Length: {_GIB}\r\n\r\n".encode())
    connection.pour(_BLOCK, _GIB // len(_BLOCK))


def a_gibibyte_in_chunks(connection: Connection) -> None:
    chunked(connection)
    connection.pour(_CHUNK, _GIB // len(_BLOCK))


def a_gibibyte_refusal(connection: Connection) -> None:
    connection.say(f"HTTP/1.1 400 Bad Request\r\nContent-Length: {_GIB}\r\n\r\n".encode())
    connection.pour(_BLOCK, _GIB // len(_BLOCK))


def _zipped() -> bytes:
    """Returns the start of a gzip stream, before whose end a client must stop."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    # After a full flush, the same data is compressed to the same bytes.
    first, next_one = (packer.compress(_BLOCK) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + next_one * (_GIB // len(_BLOCK) - 1)


def a_zipped_gibibyte(connection: Connection) -> None:
    connection.respond(_zipped(), "200 OK", "Content-Encoding: gzip")


def said(body: bytes, status: str = "200 OK", *headers: str) -> Script:
    return lambda connection: connection.respond(body, status, *headers)


def said_head(head: str) -> Script:
    return lambda connection: connection.say(head.encode())


def then_closed(text: bytes) -> Script:
    def script(connection: Connection) -> None:
        connection.say(text)
        connection.half_close()

    return script


_LOGS = b'{"logs":[]}'
_DEEP = b"[" * 200_000
_UNREACHABLE, _FAILED, _DONE = ExitCode.UNREACHABLE, ExitCode.FAILED, ExitCode.DONE
SCRIPTS: Mapping[str, tuple[Script, ExitCode]] = {
    "reset at once": (Connection.reset, _UNREACHABLE),
    "closed at once": (Connection.half_close, _UNREACHABLE),
    "silence": (Connection.stall, _UNREACHABLE),
    "a body drop by drop": (endless, _UNREACHABLE),
    "headers drop by drop": (endless_headers, _UNREACHABLE),
    "processing forever": (endless_informational, _UNREACHABLE),
    "cut in the status": (then_closed(b"HTTP/1.1 20"), _UNREACHABLE),
    "cut in the headers": (then_closed(b"HTTP/1.1 200 OK\r\nConte"), _UNREACHABLE),
    "cut in the body": (
        then_closed(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), _UNREACHABLE
    ),
    "cut in a chunk": (
        then_closed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"), _UNREACHABLE
    ),
    "no HTTP": (then_closed(b"\x00\xff\x1b[31mhello\r\n\r\n"), _UNREACHABLE),
    "a header out of order": (
        then_closed(b"HTTP/1.1 200 OK\r\n\x1b[2J\x00: \x07\r\n\r\n"), _UNREACHABLE
    ),
    "two lengths": (
        then_closed(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n{}"),
        _UNREACHABLE,
    ),
    "not gzip": (said(b"hello", "200 OK", "Content-Encoding: gzip"), _UNREACHABLE),
    "gzip": (said(gzip.compress(_LOGS), "200 OK", "Content-Encoding: gzip"), _DONE),
    "no type": (said(_LOGS), _DONE),
    "another type": (said(_LOGS, "200 OK", "Content-Type: text/html; charset=hex"), _DONE),
    "a type that lies": (
        said(b"<p>\xff</p>", "200 OK", "Content-Type: application/json; charset=hex"), _FAILED
    ),
    "a refusal in no charset": (
        said(b"<p>\xff</p>", "500 No", "Content-Type: text/html; charset=hex"), _FAILED
    ),
    "empty": (said(b""), _FAILED),
    "JSON that is cut": (said(b'{"logs":['), _FAILED),
    "JSON that is deep": (said(_DEEP), _FAILED),
    "a refusal that is deep": (said(_DEEP, "400 Bad Request"), _FAILED),
    "JSON in UTF-16": (said(_LOGS.decode().encode("utf-16")), _DONE),
    "a number without end": (said(b'{"logs":' + b"9" * 100_000 + b"}"), _FAILED),
    "bytes of no encoding": (said(b"\xff\xfe\xfd\x80"), _FAILED),
    "500": (said(b'{"error":"no"}', "500 Internal Server Error"), _FAILED),
    "502": (said(b"<html>", "502 Bad Gateway"), _UNREACHABLE),
    "503": (said(b"", "503 Service Unavailable"), _UNREACHABLE),
    "504": (said(b"", "504 Gateway Timeout"), _UNREACHABLE),
    "a status of its own": (said(b"{}", "799 Whatever"), _FAILED),
    "a redirect": (said(b"", "307 Temporary", "Location: https://evil.example/"), _FAILED),
    "a redirect to a file": (said(b"", "301 Moved", "Location: file:///etc/passwd"), _FAILED),
    "a redirect to itself": (said(b"", "302 Found", "Location: /"), _FAILED),
    "a redirect to nowhere": (said(b"", "308 Permanent"), _FAILED),
    "a gibibyte": (a_gibibyte, _FAILED),
    "a gibibyte in chunks": (a_gibibyte_in_chunks, _FAILED),
    "a gibibyte of refusal": (a_gibibyte_refusal, _FAILED),
    "a gibibyte, zipped": (a_zipped_gibibyte, _FAILED),
}  # fmt: skip
RESETS = (
    "0", "-1", "-1e300", "1", "3", "nan", "inf", "-inf", "1e308", "1700000000", "1700000000000",
    "99999999999", "soon", "", "0x10", "Wed, 21 Oct 2015 07:28:00 GMT", "1_0",
    "Wed, 21 Oct 9999 07:28:00 GMT", "Wed, 99 Oct 2015 07:28:00 GMT", "٣",
)  # fmt: skip
RESET_NAMES = ("Burst-RateLimit-Reset", "RateLimit-Reset", "Retry-After")


@pytest.fixture
def cli(qstash: Qstash) -> Qstash:
    """`qstash` with a token that must never be displayed."""
    qstash.env |= {"QSTASH_TOKEN": TOKEN, "XDG_CACHE_HOME": str(qstash.home)}
    qstash.hurry()
    return qstash


def violation(done: Run, codes: set[ExitCode], began_at_s: float) -> str:
    """Returns the violated expectation of a run, or an empty string."""
    text = done.out + done.err
    wrong = {
        f"exit code {done.code}, not {codes}": done.code not in codes,
        "too late": time.monotonic() - began_at_s > LIMIT_S,
        "a defect": "Traceback" in text or "something unexpected" in text,
        "the token": TOKEN in text,
        "a character that controls a terminal": bool(set(re.findall(UNSAFE, text)) - {"\n", "\t"}),
        "no error": bool(done.code) and "error: " not in done.err,
    }
    found = [what for what, is_so in wrong.items() if is_so]
    return f"{', '.join(found)}: {done}" if found else ""


# Requests to these servers end by the time limit, which the others must not reach.
UNFINISHED = {Connection.stall, endless, endless_headers, endless_informational}


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_fault_ends_with_its_exit_code_in_time(
    cli: Qstash, figures: Figures, name: str
) -> None:
    script, code = SCRIPTS[name]
    codes = {code}
    limit = ("--request-timeout", "1s" if script in UNFINISHED else "30s")
    with raw_server(script) as server, ThreadPoolExecutor(2) as pool:
        cli.env["QSTASH_URL"] = server.url
        began_at_s = time.monotonic()
        reading = pool.submit(cli, "logs", *limit, "-v")
        sending = pool.submit(cli, "publish", TO, "a=1", "--no-check", *limit)
        read, sent = reading.result(), sending.result()
    # A valid response to a list is not a valid response to a publish.
    log_lines = [violation(read, codes, began_at_s)]
    log_lines.append(violation(sent, set(ExitCode) if code == _DONE else codes, began_at_s))
    found = [one for one in log_lines if one]

    figures(CLASS, cases=2, failures=len(found))
    assert not found


PAGE = b"<html><body><h1>Bad Gateway</h1>owned</body></html>"


@pytest.mark.parametrize(
    ("argv", "code", "requests"),
    [
        (("logs",), ExitCode.DONE, 3),
        (("publish", TO, "a=1"), ExitCode.DONE, 3),
        (("publish", TO, "a=1", "--dedup-id", "one"), ExitCode.DONE, 3),
        (("publish", TO, "a=1", "--no-idempotency"), ExitCode.UNREACHABLE, 1),
        (("keys", "rotate", "--yes"), ExitCode.UNREACHABLE, 1),
    ],
)
@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Busy", "504 Timeout"])
def test_idempotent_requests_are_retried_until_a_gateway_recovers(
    cli: Qstash,
    figures: Figures,
    *,
    argv: tuple[str, ...],
    code: ExitCode,
    requests: int,
    status: str,
) -> None:
    def script(connection: Connection) -> None:
        if connection.number < 3:
            connection.respond(PAGE, status, "Content-Type: text/html", "Retry-After: 1")
        else:
            connection.respond(b'{"logs":[],"messageId":"msg_1"}')

    with raw_server(script) as server:
        cli.env["QSTASH_URL"] = server.url
        done = cli(*argv)

    figures(CLASS, cases=1)
    assert (done.code, len(server.requests)) == (code, requests), done
    assert "owned" not in done.err
    assert (f"({status})" in done.err) is (code != ExitCode.DONE)


@pytest.mark.parametrize("name", RESET_NAMES)
def test_a_rate_limit_fails_in_time_with_few_retries(
    cli: Qstash, figures: Figures, name: str
) -> None:
    # Only waits count, not the time in which the test runs.
    cli.hurry(lambda: 1_725_400_000.0)
    found = []
    for reset in RESETS:
        head = f"HTTP/1.1 429 No\r\n{name}: {reset}\r\nContent-Length: 0\r\n\r\n"
        with raw_server(said_head(head)) as server:
            cli.env["QSTASH_URL"] = server.url
            before = cli.now()
            done = cli("logs", "--max-wait", "10s")
            found.append(violation(done, {ExitCode.RATE_LIMITED}, time.monotonic()))
            if cli.now() - before > 12:
                found.append(f"{reset}: it waited longer than it may")
            if len(server.requests) > 12:
                found.append(f"{reset}: {len(server.requests)} requests")
    found = [one for one in found if one]

    figures(CLASS, cases=len(RESETS), failures=len(found))
    assert not found


def test_a_half_closed_connection_is_not_reused(local: Qstash, figures: Figures) -> None:
    # The server announces keep-alive, and then closes the connection.
    def script(connection: Connection) -> None:
        entry = b'{"messageId":"msg_%d","state":"CREATED","time":1}' % connection.number
        connection.respond(b'{"logs":[%b],"cursor":"%d"}' % (entry, connection.number))
        if connection.number < 20:
            connection.half_close()

    with raw_server(script) as server:
        done = local("logs", "--limit", "15", QSTASH_URL=server.url)

    figures(CLASS, cases=15)
    assert done.code == 0, done
    assert len(done.out.splitlines()) == 15


_STEP = '{"messageId":"msg_1","state":"CREATED","time":1,"dlqId":"1-0","url":"https://a.example"}'
ENDLESS: dict[str, str] = {
    "empty pages": '{"logs":[],"messages":[],"bulkActions":[],"cursor":"%d"}',
    "the same entries": f'{{"logs":[{_STEP}],"messages":[{_STEP}],"bulkActions":[{{"actionId":"a",'
    '"state":"IN_PROGRESS","total":1,"processed":0}],"cursor":"%d"}',
    "the same cursor": f'{{"logs":[{_STEP}],"messages":[{_STEP}],"bulkActions":[],"cursor":"1",'
    '"number":%d}',
}
PAGED: tuple[tuple[str, ...], ...] = (
    ("logs", "--all", "-q"), ("logs", "--all", "-o", "csv"), ("logs", "--stats"),
    ("logs", "--by-message", "--all"), ("logs", "--by-message", "--state", "failed"),
    ("dlq", "list", "--all", "-q"), ("dlq", "list", "--all", "--fail-if-any"),
    ("message", "actions", "--all"), ("message", "wait", "msg_1", "--wait-timeout", "1h"),
    ("queue", "wait", "orders", "--idle", "--wait-timeout", "1h"), ("check", "--dlq-max", "0"),
    ("replay", "--all", "--to", "http://127.0.0.1:9/"),
)  # fmt: skip


@pytest.mark.parametrize("argv", PAGED, ids=" ".join)
@pytest.mark.parametrize("kind", ENDLESS)
def test_endless_pagination_is_an_error(
    cli: Qstash, figures: Figures, kind: str, argv: tuple[str, ...]
) -> None:
    def script(connection: Connection) -> None:
        connection.respond((ENDLESS[kind] % connection.number).encode())

    queue = b'{"name":"orders","lag":1,"parallelism":1,"paused":false}'

    def with_queue(connection: Connection) -> None:
        if b" /v2/queues/" in server.requests[-1]:
            connection.respond(queue)
        else:
            script(connection)

    with raw_server(with_queue) as server:
        cli.env |= {"QSTASH_URL": server.url, "QSTASH_CURRENT_SIGNING_KEY": TOKEN}
        began_at_s = time.monotonic()
        done = cli(*argv)

    figures(CLASS, cases=1)
    assert not violation(done, {ExitCode.FAILED}, began_at_s)
    assert "does not end" in done.err
    assert len(server.requests) < 300


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.soak), 9])
def test_no_fault_causes_duplicate_messages(
    local: Qstash, server_url: str, figures: Figures, fault: str, times: int
) -> None:
    local.sleep = lambda _s: None
    faulty = Proxy(server_url, fault_of=lambda number: fault if number <= times else "")
    with running_proxy(faulty):
        done = local("publish", "http://127.0.0.1:9/", "a=1", "--delay", "1h",
                     QSTASH_URL=faulty.url)  # fmt: skip
        alone = local("publish", "http://127.0.0.1:9/", "a=2", "--delay", "1h",
                      "--no-idempotency", QSTASH_URL=faulty.url)  # fmt: skip
    stored = [
        (entry["messageId"]) for entry in local("logs", "-o", "json").json
        if entry["state"] == "CREATED"
    ]  # fmt: skip

    figures(CLASS, cases=2)
    assert {done.code, alone.code} <= set(ExitCode)
    assert len(stored) == len(set(stored)) <= 2, faulty.seen
    # The reported state matches the server's.
    for run in (done, alone):
        if run.code == 0:
            assert run.out.strip() in stored


def test_a_response_of_one_gibibyte_is_read_in_bounded_memory(
    tmp_path: Path, figures: Figures
) -> None:
    """Each run is limited to half a gibibyte of memory."""
    worst = (a_gibibyte, a_gibibyte_in_chunks, a_zipped_gibibyte, a_gibibyte_refusal)
    limited = 'ulimit -v 786432; exec "$0" -m qstash_cli logs --request-timeout 5m'
    codes = []
    for script in worst:
        with raw_server(script) as server:
            env = plain_environment(tmp_path) | {"QSTASH_URL": server.url, "QSTASH_TOKEN": TOKEN}
            done = subprocess.run(  # noqa: S603 - a command of the test
                ["/bin/sh", "-c", limited, sys.executable], env=env, capture_output=True,
                text=True, check=False, timeout=600,
            )  # fmt: skip
        codes.append((script.__name__, done.returncode, done.stderr))

    figures(CLASS, cases=len(worst))
    assert {code for _, code, _ in codes} == {ExitCode.FAILED}, codes
    assert all("longer than 128 MiB" in err for name, _, err in codes if "refusal" not in name)
