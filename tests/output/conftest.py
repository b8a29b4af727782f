"""Results as commands return them, and the streams for the output."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest

from qstash_cli.output.formats import render
from qstash_cli.output.result import Column, Result, View
from qstash_cli.output.terminal import TerminalInfo

NOW = 1_795_525_689.0  # 2026-11-24 13:08:09 UTC
NOW_MS = int(NOW) * 1000

LOGS = View(
    columns=(
        Column(name="time", of="time", format="instant_ms"),
        Column(name="state", of="state"),
        Column(name="id", of="messageId"),
        Column(name="url", of="url"),
        Column(name="error", of="error"),
    ),
    id="messageId",
    empty="no log entries",
)
DLQ = View(
    columns=(
        Column(name="id", of="dlqId"),
        Column(name="status", of="responseStatus"),
        Column(name="url", of="url"),
        Column(name="labels", of="labels", format="list"),
        Column(name="created", of="createdAt", format="instant_ms"),
    ),
    id="dlqId",
)
MESSAGE = View(
    columns=(
        Column(name="id", of="messageId"),
        Column(name="url", of="url"),
        Column(name="queue", of="queueName"),
        Column(name="not before", of="notBefore", format="instant_ms"),
        Column(name="period", of="period", format="duration_s"),
        Column(name="labels", of="labels", format="list"),
        Column(name="header", of="header"),
        Column(name="body", of="body"),
    ),
    id="messageId",
)
VERIFY = View(
    columns=(
        Column(name="check", of="name"),
        Column(name="outcome", of="outcome", format="state"),
        Column(name="expected", of="expected", wraps=True),
        Column(name="found", of="found", wraps=True),
    ),
    id=lambda _: None,
    rows=lambda record: record["checks"],
)
SAMPLES = {
    "logs": Result(
        data=[
            {"time": NOW_MS - 184_000, "state": "DELIVERED", "messageId": "msg_2KxEvJ",
             "url": "https://app.example.com/api/orders/created"},
            {"time": NOW_MS + 300_000, "state": "RETRY", "messageId": "msg_2KxEvK",
             "url": "https://app.example.com/日本語/注文", "error": "503 Service Unavailable\n"},
        ],
        view=LOGS,
    ),
    "dlq": Result(
        data=[
            {"dlqId": "1795525689000-0", "responseStatus": 404, "labels": ["orders", "eu"],
             "url": "https://app.example.com/a", "createdAt": NOW_MS - 90_000_000},
            {"dlqId": "1795525689001-12345", "responseStatus": 0, "createdAt": NOW_MS - 900_000_000,
             "url": "https://app.example.com/a/very/long/path/that/does/not/fit"},
        ],
        view=DLQ,
    ),
    "message": Result(
        data={"messageId": "msg_2KxEvJ", "url": "https://app.example.com/api/orders/created",
              "notBefore": NOW_MS + 3_600_000, "period": 5400, "labels": ["orders", "eu"],
              "header": {"Content-Type": ["application/json"]},
              "body": '{"order": 17, "note": "left at the door, with the neighbour\'s cat\\tok"}'},
        view=MESSAGE,
    ),
    "verify": Result(
        data={"checks": [
            {"name": "signature", "outcome": "pass", "expected": None, "found": "current key"},
            {"name": "sub", "outcome": "fail", "expected": "https://a.example", "found": "x"},
            {"name": "body", "outcome": "not checked", "expected": None, "found": None},
        ]},
        view=VERIFY,
    ),
}  # fmt: skip

TERMINAL = TerminalInfo(is_terminal=True, width=80, colour=False, now=lambda: NOW, time_zone=UTC)


@pytest.fixture
def samples() -> dict[str, Result]:
    """Results of real commands, by name."""
    return SAMPLES


@pytest.fixture
def terminal() -> TerminalInfo:
    """A terminal of 80 columns without colour."""
    return TERMINAL


@pytest.fixture
def pipe() -> TerminalInfo:
    """A stream that is not a terminal."""
    return TERMINAL._replace(is_terminal=False)


@pytest.fixture
def rendered() -> Callable[..., str]:
    """Renders a result and returns the output."""

    def written(result: Result, terminal: TerminalInfo, **options: Any) -> str:
        out = io.StringIO()
        asked = {"format": None, "query": None, "columns": None} | options
        render(result, out=out, terminal=terminal, **asked)
        return out.getvalue()

    return written
