"""The signing keys of an account."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from qstash_cli.protocol.dev_credentials import DEV_USERS

_PUBLIC = {key for user in DEV_USERS for key in (user.current_signing_key, user.next_signing_key)}


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """The current signing key, and the next one, which becomes current when keys are rotated."""

    current: str
    next: str


def init(connection: sqlite3.Connection, current: str, following: str) -> None:
    """Stores the first keys, unless keys are stored already.

    Replaces stored keys that are documented by given keys that are not: other machines may reach
    the server now.
    """
    given = (current, following)
    connection.execute("INSERT OR IGNORE INTO signing_keys VALUES (1, ?, ?)", given)
    stored = read(connection)
    if not _PUBLIC.intersection(given) and _PUBLIC.intersection((stored.current, stored.next)):
        connection.execute("UPDATE signing_keys SET current = ?, next = ?", given)


def read(connection: sqlite3.Connection) -> KeyPair:
    """Returns both keys."""
    row = connection.execute("SELECT current, next FROM signing_keys").fetchone()
    return KeyPair(current=row["current"], next=row["next"])


def rotate(connection: sqlite3.Connection, new_id: Callable[[str], str]) -> KeyPair:
    """Makes the next key current, creates a new next key, and returns both."""
    connection.execute("UPDATE signing_keys SET current = next, next = ?", (new_id("sig"),))
    return read(connection)
