"""Fills databases with messages, and creates random ids."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from pathlib import Path

from qstash_cli.protocol import ids
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.storage import messages
from qstash_cli.server.storage.messages import NewMessage
from qstash_cli.server.storage.store import Store

NOWHERE = "http://127.0.0.1:9/"
DAY_MS = 86_400_000


def new_id(prefix: str) -> str:
    return ids.new_id(prefix, os.urandom)


def fill(path: Path, count: int, *labels: str) -> None:
    """Stores messages that are due tomorrow, the same number of each label."""
    store, now_ms = Store(path), round(time.time() * 1000)

    def insert(connection: sqlite3.Connection) -> None:
        for label in labels:
            new = NewMessage(
                url=NOWHERE, options=MessageOptions(label=(label,)), body=b"", caller_ip="::1",
                created_ms=now_ms, due_ms=now_ms + DAY_MS,
            )  # fmt: skip
            for _ in range(count):
                messages.insert(connection, new, new_id)

    asyncio.run(store.run(insert))
    store.close()
