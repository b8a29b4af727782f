"""The signing keys of an account."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from qstash_cli.protocol.dev_credentials import DEV_USERS

_PUBLIC = {key for user in DEV_USERS for key in (user.current_signing_key, user.next_signing_key)}


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The key that signs, and the one that will after a rotation."""

    current: str
    next: str


def init(connection: sqlite3.Connection, current: str, following: str) -> None:
    """Stores the first keys, unless there are some already.

    Stored keys that are documented ones are replaced by others: the server may be reached by other
    machines now.
    """
    given = (current, following)
    connection.execute("INSERT OR IGNORE INTO signing_keys VALUES (1, ?, ?)", given)
    stored = read(connection)
    if not _PUBLIC.intersection(given) and _PUBLIC.intersection((stored.current, stored.next)):
        connection.execute("UPDATE signing_keys SET current = ?, next = ?", given)


def read(connection: sqlite3.Connection) -> Keys:
    """Both keys."""
    row = connection.execute("SELECT current, next FROM signing_keys").fetchone()
    return Keys(current=row["current"], next=row["next"])


def rotate(connection: sqlite3.Connection, new_id: Callable[[str], str]) -> Keys:
    """The keys after the next one took the place of the current one."""
    connection.execute("UPDATE signing_keys SET current = next, next = ?", (new_id("sig"),))
    return read(connection)
