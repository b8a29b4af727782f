"""Files are replaced atomically, and a lock is released when its process ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qstash_cli.files import LockedByAnother, locked, write_atomically

LOCK_HOLDER = (
    "import sys, pathlib; from qstash_cli.files import locked\n"
    "with locked(pathlib.Path(sys.argv[1]), timeout_s=0):\n"
    "    print('locked', flush=True); sys.stdin.read()"
)


def holder_of(path: Path) -> subprocess.Popen[str]:
    """Starts a process that keeps the lock until its standard input is closed."""
    process = subprocess.Popen(  # noqa: S603 - a command of the test
        [sys.executable, "-c", LOCK_HOLDER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_replacing_a_file_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    status = write_atomically(path, b"new")

    assert path.read_bytes() == b"new"
    assert (path.stat().st_ino, path.stat().st_mode & 0o777) == (status.st_ino, 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_replacement_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    (path / "inside").mkdir(parents=True)

    with pytest.raises(OSError, match="directory"):
        write_atomically(path, b"new")

    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_either_the_old_or_the_new_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([letter]) * 100_000 for letter in b"ab"]
    write_atomically(path, contents[0])
    seen: list[bytes] = []
    is_finished = threading.Event()

    def read() -> None:
        while not is_finished.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        write_atomically(path, contents[number % 2], durable=False)
    is_finished.set()
    reader.join()

    assert set(seen) <= set(contents)


def test_a_lock_names_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = holder_of(path)

    with pytest.raises(LockedByAnother) as caught, locked(path, timeout_s=0):
        pass
    holder.communicate("")

    assert (caught.value.pid, caught.value.holder) == (holder.pid, f"process {holder.pid}")
    assert holder.returncode == 0
    assert not path.exists()


def test_the_lock_of_a_killed_process_is_released(tmp_path: Path) -> None:
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


def test_only_one_thread_at_a_time_has_the_lock(tmp_path: Path) -> None:
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
