"""`qstash dev --db FILE` refuses unusable files, and keeps the data of all others."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from qstash_cli.errors import QstashError
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.server.storage import database
from qstash_cli.server.storage.database import (
    APPLICATION_ID,
    SCHEMAS,
    open_file,
    open_memory,
)
from tests import plain_http
from tests.e2e.conftest import QSTASH, plain_environment, run
from tests.sink import Sink
from tests.trust.conftest import unprivileged

UNVERSIONED = Path(__file__).parent / "schemas" / "unversioned.sql"


def version_of(path: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
    return version, application


def made(path: Path, script: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def directory(path: Path) -> None:
    path.mkdir()


def not_a_database(path: Path) -> None:
    path.write_bytes(b"This is a text, and it is longer than the header of a database.\n" * 20)


def of_another_program(path: Path) -> None:
    made(path, "CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 1;")


def of_another_application(path: Path) -> None:
    made(path, f"{UNVERSIONED.read_text()} PRAGMA application_id = 7;")


def newer(path: Path) -> None:
    open_file(path).close()
    made(path, f"PRAGMA user_version = {len(SCHEMAS) + 6};")


def truncated(path: Path) -> None:
    open_file(path).close()
    path.write_bytes(path.read_bytes()[:-4096])


def cut_in_its_header(path: Path) -> None:
    open_file(path).close()
    path.write_bytes(path.read_bytes()[:50])


def zeroed_page(path: Path) -> None:
    open_file(path).close()
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)
    path.write_bytes(content)


def without_a_table(path: Path) -> None:
    open_file(path).close()
    made(path, "DROP TABLE queues")


def without_a_column(path: Path) -> None:
    open_file(path).close()
    made(path, "ALTER TABLE queues DROP COLUMN is_paused")


def pipe(path: Path) -> None:
    os.mkfifo(path)


UNUSABLE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "directory": (directory, "the database is a directory", "name a file in it"),
    "pipe": (pipe, "the database is not a regular file", "choose another file for --db"),
    "text": (not_a_database, "the file is not a database", "choose another file for --db"),
    "another program": (of_another_program, "is a database of another program", "choose another"),
    "another application": (of_another_application, "of another program", "choose another"),
    "newer": (newer, f"has schema {len(SCHEMAS) + 6}, and this version knows", "upgrade qstash"),
    "truncated": (truncated, "the database is damaged", "restore a backup"),
    "cut in its header": (cut_in_its_header, "the database is damaged", "restore a backup"),
    "a page of zeros": (zeroed_page, "the database is damaged", "restore a backup"),
    "a table that is missing": (without_a_table, "table queues has no column", "restore a backup"),
    "a column that is missing": (without_a_column, "no column is_paused", "restore a backup"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_file_is_refused_with_a_hint_and_not_changed(name: str, tmp_path: Path) -> None:
    make, words, hint = UNUSABLE[name]
    path = tmp_path / "db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""

    done = run([*QSTASH, "dev", "--port", "0", "--db", str(path)], plain_environment(tmp_path))

    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    error, hint_line = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert words in error
    assert str(path) in error
    assert hint_line.startswith("hint: ")
    assert hint in hint_line
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_file_without_permission_is_refused_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "db"
    open_file(path).close()
    path.chmod(0)

    done = run(
        [*unprivileged(), *QSTASH, "dev", "--db", str(path), "--port", "0"],
        plain_environment(tmp_path),
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: the database cannot be used: {path}: " in done.stderr
    assert "hint: is it writable? check the permissions of the file" in done.stderr


def test_the_error_names_a_missing_directory(tmp_path: Path) -> None:
    path = tmp_path / "no" / "db"

    done = run([*QSTASH, "dev", "--port", "0", "--db", str(path)], plain_environment(tmp_path))

    assert done.returncode == 1
    assert f"error: the folder of the database does not exist: {path.parent}" in done.stderr
    assert f"hint: create it: mkdir -p {path.parent}" in done.stderr


def test_a_new_file_has_a_version_and_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with (
        closing(open_file(path)),
        pytest.raises(QstashError, match=r"the database cannot be used: .*locked") as second,
    ):
        open_file(path)

    assert second.value.hint == "another `qstash dev` has it open"
    assert version_of(path) == (len(SCHEMAS), APPLICATION_ID)


def test_a_file_without_a_version_is_kept_and_updated(
    tmp_path: Path,
) -> None:
    path = made(tmp_path / "db", UNVERSIONED.read_text())
    made(path, "INSERT INTO queues VALUES ('orders', 1, 1, 3, 0)")

    with closing(open_file(path)) as connection, closing(open_memory()) as fresh:
        assert connection.execute("SELECT parallelism FROM queues").fetchone()["parallelism"] == 3
        select = "SELECT name FROM sqlite_master ORDER BY name"
        names = [row["name"] for row in connection.execute(select)]
        assert names == [row["name"] for row in fresh.execute(select)]

    assert version_of(path) == (len(SCHEMAS), APPLICATION_ID)


def test_a_failed_update_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "db", UNVERSIONED.read_text())
    script = database._script
    monkeypatch.setattr(database, "SCHEMAS", (*SCHEMAS, "broken"))
    monkeypatch.setattr(
        database,
        "_script",
        lambda name: "CREATE TABLE half (a); nonsense;" if name == "broken" else script(name),
    )

    with pytest.raises(QstashError, match=r"the database cannot be used: .*nonsense"):
        open_file(path)

    assert version_of(path) == (0, 0)
    with closing(sqlite3.connect(path)) as connection:
        assert "half" not in {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_can_read_a_database(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "db"
    before = os.umask(umask)
    try:
        with closing(open_file(path)) as connection:
            connection.execute("INSERT INTO queues VALUES ('q', 1, 1, 1, 0)")
            modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert modes == {"db": 0o600, "db-wal": 0o600}


def test_a_database_that_others_can_read_is_made_private(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "db"
    with closing(open_file(path)) as connection:
        connection.execute("INSERT INTO queues VALUES ('q', 1, 1, 1, 0)")
        for name in ("db", "db-wal"):
            shutil.copy(tmp_path / name, tmp_path / name.replace("db", "copy"))
    for file in (tmp_path / "copy", tmp_path / "copy-wal"):
        file.chmod(0o644)

    with closing(open_file(tmp_path / "copy")) as connection:
        modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in tmp_path.glob("copy*")}
        assert len(connection.execute("SELECT * FROM queues").fetchall()) == 1

    assert modes == {"copy": 0o600, "copy-wal": 0o600}
    assert f"others can no longer read {tmp_path / 'copy'}" in caplog.messages


def test_a_file_name_that_means_memory_to_sqlite_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    open_file(Path(":memory:")).close()

    assert version_of(tmp_path / ":memory:") == (len(SCHEMAS), APPLICATION_ID)


def test_the_check_of_a_large_file_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "db"
    with closing(open_file(path)) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO logs (message_id, time_ms, state, details) VALUES (?, 1, 'CREATED', '{}')",
            ((f"msg_{number}",) for number in range(200_000)),
        )
        connection.execute("COMMIT")
    monkeypatch.setattr(database, "_CHECK_S", 0.001)

    with closing(open_file(path)) as connection:
        assert connection.execute("SELECT count(*) FROM logs").fetchone()[0] == 200_000


def test_stored_options_that_are_no_longer_valid_are_ignored_and_logged(
    tmp_path: Path, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "db"
    headers = {"Authorization": f"Bearer {DEV_USER.token}", "Upstash-Delay": "1h"}
    options = {"Upstash-Retry-Delay": "1000", "Upstash-Label": "kept"}
    with running_server(ServerConfig(port=0, db=path)) as url:
        plain_http.post(f"{url}/v2/publish/{sink.url}", headers=headers | options)
        daily = {"Upstash-Cron": "@daily"}
        plain_http.post(f"{url}/v2/schedules/{sink.url}", headers=headers | options | daily)
    made(
        path,
        "UPDATE messages SET options = replace(options, '1000', '1000;2');"
        "UPDATE schedules SET headers = replace(headers, '1000', '1000;2');",
    )

    with running_server(ServerConfig(port=0, db=path, speed=0)) as url:
        to = {"advance": "2h"}
        plain_http.post(f"{url}/console/api/clock", json=to, headers=headers).raise_for_status()
        assert sink.received
        logs = plain_http.get(f"{url}/v2/logs", headers=headers).json()["logs"]
        schedules = plain_http.get(f"{url}/v2/schedules", headers=headers).json()

    assert {entry["label"] for entry in (*logs, *schedules)} == {"kept"}
    assert not any("retryDelayExpression" in entry for entry in (*logs, *schedules))
    assert "ignoring a stored option: Upstash-Retry-Delay: not a retry delay: '1000;2'" in (
        caplog.messages
    )
