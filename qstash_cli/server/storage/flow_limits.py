"""The limits of flow control keys in the store. Source: QStash docs, "Flow control"."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.errors import ApiError

DEFAULT_PERIOD_S = 1


class FlowLimits(NamedTuple):
    """The limits of a key as they are stored: a damaged row may have values of other types."""

    key: str
    parallelism: int
    rate: int
    period_s: int
    is_paused: int
    pins_parallelism: int
    pins_rate: int


_SELECT = f"SELECT {', '.join(FlowLimits._fields)} FROM flows"  # noqa: S608 - our own column names


def configure(connection: sqlite3.Connection, options: MessageOptions) -> FlowLimits | None:
    """Stores the limits that a message sets, except pinned ones, and returns those of its key."""
    if options.flow_key is None:
        return None
    connection.execute("INSERT OR IGNORE INTO flows (key) VALUES (?)", (options.flow_key,))
    connection.execute(
        "UPDATE flows SET parallelism = iif(pins_parallelism, parallelism, ?), "
        "rate = iif(pins_rate, rate, ?), period_s = iif(pins_rate, period_s, ?) WHERE key = ?",
        (
            options.parallelism or 0,
            options.rate or 0,
            options.period_s or DEFAULT_PERIOD_S,
            options.flow_key,
        ),
    )
    return get(connection, options.flow_key)


def list_all(connection: sqlite3.Connection) -> list[FlowLimits]:
    """Returns the limits of all keys, by name."""
    return [FlowLimits(*row) for row in connection.execute(f"{_SELECT} ORDER BY key")]


def get(connection: sqlite3.Connection, key: str) -> FlowLimits:
    """Returns the limits of a key. Raises `ApiError` if no message has used it."""
    row = connection.execute(f"{_SELECT} WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise ApiError(404, f"flow control key {key} not found")
    return FlowLimits(*row)


def change(connection: sqlite3.Connection, key: str, values: Mapping[str, int]) -> FlowLimits:
    """Changes fields of a key, which is created if it does not exist, and returns its limits."""
    connection.execute("INSERT OR IGNORE INTO flows (key) VALUES (?)", (key,))
    for column, value in values.items():
        connection.execute(
            f"UPDATE flows SET {column} = ? WHERE key = ?",  # noqa: S608 - our own column names
            (value, key),
        )
    return get(connection, key)
