"""Snapshots: all data of an account as the content of one SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qstash_cli.errors import BadInput, QstashError
from qstash_cli.files import open_private
from qstash_cli.server.storage.database import APPLICATION_ID, SCHEMAS, open_file

# A snapshot travels in one request, as base64.
MAX_BYTES = 64 * 1_048_576
# The versions of the file format for writing and reading: 2 means a write-ahead log beside the
# file, which a snapshot does not have. Source: SQLite, "Database File Format", 1.3.3.
_FORMAT_AT, _WITHOUT_LOG = slice(18, 20), b"\x01\x01"


def save(connection: sqlite3.Connection, clock_ms: int) -> bytes:
    """Returns a snapshot with the time of the clock. Raises `BadInput` if it would be too large."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    if pages * page_bytes > MAX_BYTES:
        raise BadInput(
            f"the data is too large for a snapshot: {pages * page_bytes >> 20} MiB",
            hint=f"the limit is {MAX_BYTES >> 20} MiB; use --db to keep more",
        )
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        connection.backup(copy)
        copy.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {len(SCHEMAS)};"
            "CREATE TABLE snapshot (clock_ms INTEGER NOT NULL);"
        )
        copy.execute("INSERT INTO snapshot VALUES (?)", (clock_ms,))
        data = bytearray(copy.serialize())
    data[_FORMAT_AT] = _WITHOUT_LOG
    return bytes(data)


def copy_of(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Returns a copy of a database in a temporary file, which is deleted with the connection."""
    copy = sqlite3.connect("", isolation_level=None)
    connection.backup(copy)
    return copy


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[tuple[sqlite3.Connection, int]]:
    """Yields the database in a snapshot, with the tables of this version, and the clock's time.

    Raises `BadInput` if it is damaged, or was not written by this or an older version.
    """
    with tempfile.TemporaryDirectory(prefix="qstash-") as folder:
        path = Path(folder) / "snapshot"
        with open_private(path, "xb") as file:
            file.write(data)
        try:
            source = open_file(path)
        except QstashError as fault:
            raise incompatible(fault.message.replace(f": {path}", "")) from None
        with contextlib.closing(source):
            try:
                (value,) = source.execute("SELECT clock_ms FROM snapshot").fetchone()
                clock_ms = int(value)
                source.execute("DROP TABLE snapshot")
            except (sqlite3.Error, TypeError, ValueError):
                raise incompatible("it is the database of a server") from None
            yield source, clock_ms


def incompatible(why: str) -> BadInput:
    """Returns the error for a snapshot that cannot be loaded."""
    return BadInput(
        f"the snapshot cannot be loaded: {why}",
        hint="`qstash dev snapshot save FILE` writes one; nothing was changed",
    )
