"""Flow control: how many deliveries of a key there may be at a time and in a period. Source: QStash
docs, "Flow control".
"""

from __future__ import annotations

import reprlib
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.errors import ApiError

if TYPE_CHECKING:
    from qstash_cli.server.delivery.dispatch import Lane

_DEFAULT_PERIOD_S = 1
_LIMITS = ("parallelism", "rate", "period_s", "is_paused", "pins_parallelism", "pins_rate")


@dataclass(eq=False)
class Flow:
    """The limits of a flow control key and what is used of them. A limit of 0 means no limit.

    `waiting` counts the due messages that have not started. `parked` and `awaited_ms` are the
    dispatcher's: the lanes that this key stops, and the start of the period that they wait for.
    """

    key: str
    parallelism: int = 0
    rate: int = 0
    period_s: int = _DEFAULT_PERIOD_S
    is_paused: bool = False
    pins_parallelism: bool = False
    pins_rate: bool = False
    active: int = 0
    count: int = 0
    started_ms: int = 0
    waiting: int = 0
    parked: list[tuple[int, Lane]] = field(default_factory=list)
    awaited_ms: int | None = None

    def admits(self, now_ms: int) -> bool:
        """Whether another delivery may start."""
        is_full = 0 < self.parallelism <= self.active or 0 < self.rate <= self.used(now_ms)
        return not (self.is_paused or is_full)

    def enter(self, now_ms: int) -> bool:
        """Takes a place for a delivery, if there is one."""
        if not self.admits(now_ms):
            return False
        if not self._is_current(now_ms):
            self.restart_period(now_ms)
        self.active += 1
        self.count += 1
        return True

    @property
    def opens_ms(self) -> int:
        """When the next period begins."""
        return self.started_ms + self.period_s * 1000

    def used(self, now_ms: int) -> int:
        """How many deliveries have started in the current period."""
        return self.count if self._is_current(now_ms) else 0

    def is_out_of_rate(self, now_ms: int) -> bool:
        """Whether nothing can start before the next period begins."""
        return not self.is_paused and 0 < self.rate <= self.used(now_ms)

    def _is_current(self, now_ms: int) -> bool:
        # The clock may have been set back: a period that starts in the future is over.
        return self.started_ms <= now_ms < self.opens_ms

    def take_over(self, row: sqlite3.Row) -> None:
        """Applies the stored limits. Raises `ValueError` if they are not numbers."""
        for name in _LIMITS:
            value = row[name]
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"{name} is not a number: {reprlib.repr(value)}")
        self.parallelism, self.rate = row["parallelism"], row["rate"]
        self.period_s = row["period_s"]
        self.is_paused = bool(row["is_paused"])
        self.pins_parallelism = bool(row["pins_parallelism"])
        self.pins_rate = bool(row["pins_rate"])

    def restart_period(self, now_ms: int) -> None:
        """Begins a new period now."""
        self.started_ms, self.count = now_ms, 0

    def as_json(self, now_ms: int) -> dict[str, Any]:
        """The key as QStash's JSON; `ratePeriodStart` is in seconds."""
        return {
            "flowControlKey": self.key,
            "waitListSize": self.waiting,
            "parallelismMax": self.parallelism,
            "parallelismCount": self.active,
            "rateMax": self.rate,
            "rateCount": self.used(now_ms),
            "ratePeriod": self.period_s,
            "ratePeriodStart": self.started_ms // 1000,
            "isPaused": self.is_paused,
            "isPinnedParallelism": self.pins_parallelism,
            "isPinnedRate": self.pins_rate,
        }


def configure(connection: sqlite3.Connection, options: MessageOptions) -> sqlite3.Row | None:
    """Stores the limits that a message brings, but for pinned ones, and returns the key's row."""
    if options.flow_key is None:
        return None
    connection.execute("INSERT OR IGNORE INTO flows (key) VALUES (?)", (options.flow_key,))
    connection.execute(
        "UPDATE flows SET parallelism = iif(pins_parallelism, parallelism, ?), "
        "rate = iif(pins_rate, rate, ?), period_s = iif(pins_rate, period_s, ?) WHERE key = ?",
        (
            options.parallelism or 0,
            options.rate or 0,
            options.period_s or _DEFAULT_PERIOD_S,
            options.flow_key,
        ),
    )
    return get(connection, options.flow_key)


def list_all(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """All keys, by name."""
    return connection.execute("SELECT * FROM flows ORDER BY key").fetchall()


def get(connection: sqlite3.Connection, key: str) -> sqlite3.Row:
    """A key's row. Raises `ApiError` if no message has named it."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM flows WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        raise ApiError(404, f"flow control key {key} not found")
    return row


def change(connection: sqlite3.Connection, key: str, values: dict[str, int]) -> sqlite3.Row:
    """Changes columns of a key's row, made if there is none, and returns it."""
    connection.execute("INSERT OR IGNORE INTO flows (key) VALUES (?)", (key,))
    for column, value in values.items():
        connection.execute(
            f"UPDATE flows SET {column} = ? WHERE key = ?",  # noqa: S608 - our own column names
            (value, key),
        )
    return get(connection, key)
