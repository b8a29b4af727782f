"""Opens the database: examines a file, and creates or updates its tables.

A file is examined before it is written to, so that a refused file stays unchanged.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import stat
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from qstash_cli.errors import QstashError
from qstash_cli.files import open_private

# The scripts that create the tables, one for each version: the first N create a file of version N.
# To change a table, add a script: the files of users were created by the existing ones.
SCHEMAS = ("schema.sql", "schema_2.sql", "schema_3.sql")
# "qsth", in the header of the file: it distinguishes our databases from those of other programs.
APPLICATION_ID = 0x71737468
# `PRAGMA quick_check` reads the whole file: 0.2 to 0.9 s for 200 MB in the cache, 25 s for 1 GB on
# a slow disk. Damage that it does not reach in time is reported by the request that reads it.
_CHECK_S = 1.0
_OTHERS = 0o077
_DAMAGED_HINT = (
    "restore a backup, or move the file away to start with an empty one; "
    "`sqlite3 FILE .recover` prints what can be saved"
)


def open_memory() -> sqlite3.Connection:
    """Returns an empty database in memory."""
    connection = _connect(":memory:")
    connection.executescript("".join(map(_script, SCHEMAS)))
    return connection


def open_file(path: Path) -> sqlite3.Connection:
    """Opens the database in a file, which is created with mode 0600 if it does not exist.

    The connection holds an exclusive lock until it is closed, so that no second server delivers the
    same messages. Raises `QstashError` for a file that cannot be used.
    """
    path = path.absolute()
    with reporting(path):
        _create(path)
        connection = _connect(str(path))
        try:
            _examine(connection, path)
            _make_private(path)
            _configure(connection)
            _lay_out(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Turns the errors of SQLite and of the file system into a `QstashError` with a hint."""
    try:
        yield
    except OSError as fault:
        raise _unusable(path, (fault.strerror or str(fault)).lower()) from None
    except sqlite3.OperationalError as fault:
        raise _unusable(path, str(fault)) from None
    except sqlite3.DatabaseError as fault:
        if "not a database" in str(fault):
            raise QstashError(
                f"the file is not a database: {path}",
                hint="choose another file for --db; this one was not changed",
            ) from None
        raise damaged(path, str(fault)) from None
    except UnicodeError:
        # The error message of SQLite quotes the invalid content.
        raise damaged(path, "its layout is not text") from None


def damaged(path: Path, why: str) -> QstashError:
    """Returns the error for a database with damaged content."""
    return QstashError(f"the database is damaged: {path}: {why}", hint=_DAMAGED_HINT)


def _unusable(path: Path, why: str) -> QstashError:
    if "locked" in why:
        hint = "another `qstash dev` has it open"
    elif "disk is full" in why or "no space" in why:
        hint = "free some space on the disk, or choose another file for --db"
    else:
        hint = "is it writable? check the permissions of the file and of its folder"
    return QstashError(f"the database cannot be used: {path}: {why}", hint=hint)


def _create(path: Path) -> None:
    """Creates the file if it does not exist. Raises `QstashError` if the path cannot be a file."""
    if path.is_dir():
        raise QstashError(
            f"the database is a directory: {path}", hint=f"name a file in it: {path / 'qstash.db'}"
        )
    if not path.parent.is_dir():
        raise QstashError(
            f"the folder of the database does not exist: {path.parent}",
            hint=f"create it: mkdir -p {path.parent}",
        )
    if path.exists() and not path.is_file():
        raise QstashError(
            f"the database is not a regular file: {path}", hint="choose another file for --db"
        )
    if not path.exists():
        # It will contain signing keys and the bodies of messages.
        open_private(path, "xb").close()


def _make_private(path: Path) -> None:
    # By now SQLite has created the log beside the file, with the mode of the file.
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & _OTHERS:
                file.chmod(mode & ~_OTHERS)
                if file is path:
                    logging.getLogger(__name__).warning("others can no longer read %s", path)


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, isolation_level=None, timeout=0, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def _examine(connection: sqlite3.Connection, path: Path) -> None:
    """Raises `QstashError` unless the file is empty or an intact database of a known version."""
    # The lock is held from the first read on.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = _pragma(connection, "user_version")
    tables = _layout(connection)
    if not version and not tables:
        return
    if _pragma(connection, "application_id") not in {0, APPLICATION_ID} or "messages" not in tables:
        raise QstashError(
            f"the file is a database of another program: {path}",
            hint="choose another file for --db; this one was not changed",
        )
    if version > len(SCHEMAS):
        raise QstashError(
            f"the database was written by a newer version of qstash: {path} has schema {version}, "
            f"and this version knows {len(SCHEMAS)}",
            hint="upgrade qstash, or choose another file for --db; this one was not changed",
        )
    _check(connection, path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    alarm = threading.Timer(_CHECK_S, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as fault:
        if "interrupted" not in str(fault):
            raise
        found = "ok"
    finally:
        alarm.cancel()
        alarm.join()
    if found != "ok":
        raise damaged(path, " ".join(found.split()))


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # A checkpoint copies pages into the file, which delays commits: with SQLite's default of
    # 1000 pages, the p99 of 500 publishes a second is 51 ms, with 300 it is 39 ms.
    connection.execute("PRAGMA wal_autocheckpoint = 300")


def _lay_out(connection: sqlite3.Connection, path: Path) -> None:
    """Creates the tables, or updates those of an earlier version, in one transaction."""
    # Files without a version have version 0 and the tables of the first script.
    version = _pragma(connection, "user_version")
    if version < len(SCHEMAS):
        changes = "".join(map(_script, SCHEMAS[version:]))
        marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {len(SCHEMAS)};"
        connection.executescript(f"BEGIN IMMEDIATE; {changes} {marks} COMMIT")
    else:
        # Takes the lock for writing.
        connection.executescript("BEGIN IMMEDIATE; COMMIT")
    found = _layout(connection)
    with contextlib.closing(open_memory()) as fresh:
        for table, columns in _layout(fresh).items():
            if missing := columns - found.get(table, set()):
                raise damaged(path, f"table {table} has no column {min(missing)}")


def _script(name: str) -> str:
    return (files("qstash_cli.server.storage") / name).read_text()


def _layout(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Returns the columns of each table."""
    rows = connection.execute(
        "SELECT tables.name, columns.name AS column FROM sqlite_master AS tables "
        "JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["name"], set()).add(row["column"])
    return found


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
