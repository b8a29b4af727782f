"""Whatever a server or a network does: an exit code of the table, in time, and nothing twice."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from qstash_cli.errors import ExitCode
from qstash_cli.output.safe import UNSAFE
from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.conftest import Qstash, Run
from tests.e2e.conftest import plain_environment
from tests.figures import Figures
from tests.faults import FAULTS, Proxy, running_proxy
from tests.trust.raw_server import Connection, Script, raw_server

TOKEN = "tok_0f8a61d1c2b94e7f"
TO = "https://example.com/hook"
# Long enough for a busy machine, and far from for ever.
LIMIT_S = 20.0
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
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(_BLOCK) for _ in range(1024)) + packer.flush()


_ZIPPED = _zipped()


def a_zipped_gibibyte(connection: Connection) -> None:
    connection.answer(_ZIPPED, "200 OK", "Content-Encoding: gzip")


def said(body: bytes, status: str = "200 OK", *headers: str) -> Script:
    return lambda connection: connection.answer(body, status, *headers)


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
    "processing for ever": (endless_informational, _UNREACHABLE),
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
def asking(qstash: Qstash) -> Qstash:
    """`qstash` with a token that must never be seen."""
    qstash.env |= {"QSTASH_TOKEN": TOKEN, "XDG_CACHE_HOME": str(qstash.home)}
    return qstash


def complaint(done: Run, codes: set[ExitCode], began_at_s: float) -> str:
    """What is wrong with how it ended, nothing if it is as it should be."""
    text = done.out + done.err
    wrong = {
        f"exit code {done.code}, not {codes}": done.code not in codes,
        "too late": time.monotonic() - began_at_s > LIMIT_S,
        "a defect": "Traceback" in text or "something unexpected" in text,
        "the token": TOKEN in text,
        "a character that a terminal obeys": bool(set(UNSAFE.findall(text)) - {"\n", "\t"}),
        "no error": bool(done.code) and "error: " not in done.err,
    }
    found = [what for what, is_so in wrong.items() if is_so]
    return f"{', '.join(found)}: {done}" if found else ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_fault_has_its_exit_code_in_time(asking: Qstash, figures: Figures, name: str) -> None:
    script, code = SCRIPTS[name]
    codes = {code}
    if name.startswith("a gibibyte"):
        # A machine that is busy does not read in a second what is too much.
        codes.add(ExitCode.UNREACHABLE)
    with raw_server(script) as server:
        asking.env["QSTASH_URL"] = server.url
        began_at_s = time.monotonic()
        read = asking("logs", "--request-timeout", "1s", "-v")
        sent = asking("publish", TO, "a=1", "--no-check", "--request-timeout", "1s")
    # An answer that is fine for a list is none to a publish, though JSON it is.
    complaints = [complaint(read, codes, began_at_s)]
    complaints.append(complaint(sent, set(ExitCode) if code == _DONE else codes, began_at_s))
    found = [one for one in complaints if one]

    figures("client faults", cases=2, failures=len(found))
    assert not found
