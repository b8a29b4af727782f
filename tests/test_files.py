"""Files are replaced whole, and a lock lasts exactly as long as the process that holds it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qstash_cli.files import LockedByAnother, locked, write_atomically

HOLDS_THE_LOCK = (
    "import sys, pathlib; from qstash_cli.files import locked\n"
    "with locked(pathlib.Path(sys.argv[1]), timeout_s=0):\n"
    "    print('locked', flush=True); sys.stdin.read()"
)


def holder_of(path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock until its standard input ends."""
    process = subprocess.Popen(  # noqa: S603 - a command of the test
        [sys.executable, "-c", HOLDS_THE_LOCK, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_replaced_file_has_the_new_content_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    status = write_atomically(path, b"new")

    assert path.read_bytes() == b"new"
    assert (path.stat().st_ino, path.stat().st_mode & 0o777) == (status.st_ino, 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_replaced_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    (path / "inside").mkdir(parents=True)

    with pytest.raises(OSError, match="directory"):
        write_atomically(path, b"new")

    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_the_old_content_or_the_new_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([letter]) * 100_000 for letter in b"ab"]
    write_atomically(path, contents[0])
    seen: list[bytes] = []
    has_ended = threading.Event()

    def read() -> None:
        while not has_ended.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        write_atomically(path, contents[number % 2], durable=False)
    has_ended.set()
    reader.join()

    assert set(seen) <= set(contents)


def test_a_lock_names_the_process_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = holder_of(path)

    with pytest.raises(LockedByAnother) as caught, locked(path, timeout_s=0):
        pass
    holder.communicate("")

    assert (caught.value.pid, caught.value.holder) == (holder.pid, f"process {holder.pid}")
    assert holder.returncode == 0
    assert not path.exists()


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = holder_of(path)
    holder.kill()
    holder.communicate()
    assert path.exists()

    with locked(path, timeout_s=0):
        assert path.stat().st_mode & 0o777 == 0o600

    assert not path.exists()


def test_a_lock_creates_no_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "mistake" / "lock", timeout_s=0):
        pass

    assert list(tmp_path.iterdir()) == []


def test_only_one_of_many_threads_holds_a_lock_at_a_time(tmp_path: Path) -> None:
    counted, inside = [], threading.Lock()

    def count() -> None:
        with locked(tmp_path / "lock", timeout_s=60):
            assert inside.acquire(blocking=False)
            counted.append(1)
            inside.release()

    threads = [threading.Thread(target=count) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(counted) == 20
