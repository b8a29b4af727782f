"""The places of messages in the order of publishing."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class Place(NamedTuple):
    """The sequence number of a message, and the id of the message that it is a callback of."""

    seq: int
    callback_of: str | None


def place_of(connection: sqlite3.Connection, message_id: str) -> Place | None:
    """Returns the place of a message, None if it does not exist."""
    row = connection.execute(
        "SELECT seq, callback_of FROM messages WHERE id = ?", (message_id,)
    ).fetchone()
    return None if row is None else Place(row["seq"], row["callback_of"])


def count_callbacks(
    connection: sqlite3.Connection, after: int, before: int, callback_of: str | None = None
) -> int:
    """Counts the callbacks between two sequence numbers: of a message, or all of them."""
    (count,) = connection.execute(
        "SELECT count(*) FROM messages WHERE seq > ? AND seq < ? "
        "AND callback_of IS NOT NULL AND callback_of = ifnull(?, callback_of)",
        (after, before, callback_of),
    ).fetchone()
    return int(count)
