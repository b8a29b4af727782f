"""Local files: reading, appending, private creation, atomic replacement and locking."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal

from qstash_cli.errors import BadInput

_OWNER_ONLY = 0o600
_LONGEST_PID = 20
_PID_ATTEMPTS = 5
_PID_PAUSE_S = 0.01


class LockedByAnother(Exception):
    """Another process has the lock. `pid` is its process id, None if it cannot be read."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(pid)
        self.pid = pid

    @property
    def holder(self) -> str:
        """Names the process in an error message."""
        return f"process {self.pid}" if self.pid else "another process"


def parse_path(text: str) -> Path:
    """Returns the path of a file. Raises `BadInput` for an empty name."""
    if not text:
        raise BadInput("the name of the file is empty")
    return Path(text).expanduser()


def read_file(path: str) -> bytes:
    """Returns the bytes of a file. Raises `BadInput` naming it."""
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as fault:
        raise unreadable(path, fault) from None


def unreadable(path: str, fault: OSError) -> BadInput:
    """Returns the error for a file that cannot be read."""
    return BadInput(
        f"cannot read the file: {path}: {reason_of(fault)}",
        hint="check the path and its permissions",
    )


def append_text(path: str, text: str) -> None:
    """Appends UTF-8 text to a file. Raises `BadInput` naming it."""
    try:
        with open_private(Path(path), "ab") as file:
            file.write(text.encode())
    except OSError as fault:
        raise BadInput(f"cannot write the file: {path}", hint=reason_of(fault)) from None


def open_private(path: Path, mode: Literal["ab", "a+b", "xb"]) -> BinaryIO:
    """Opens a file, creating it with mode 0600 if needed. An existing file keeps its mode.

    Raises `OSError`.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, _OWNER_ONLY)

    return open(path, mode, opener=opener)


def write_atomically(
    path: Path, data: bytes | Iterable[bytes], *, durable: bool = True
) -> os.stat_result:
    """Replaces a file's content in one step; readers see either the old file or the new one.

    The new file has mode 0600. Returns its `os.stat_result`. Without `durable`, the content may be
    lost if the machine crashes. Raises `OSError` and leaves the old file intact.
    """
    import tempfile

    # mkstemp creates the file with mode 0600, so others can never read a secret in it.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            if durable:
                os.fsync(handle)
            status = os.fstat(handle)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return status


@contextmanager
def locked(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Holds a lock on the file `path`, which contains this process's id, during the block.

    The operating system releases the lock if the process dies. Raises `LockedByAnother` if another
    process still holds the lock after `timeout_s`, and `OSError`.
    """
    from filelock import FileLock, Timeout

    # filelock would create a missing directory, even if its name is a typo.
    path.parent.stat()
    lock = FileLock(path, timeout=timeout_s, mode=_OWNER_ONLY, on_acquired=_write_pid)
    try:
        lock.acquire()
    except Timeout:
        raise LockedByAnother(_read_pid(path)) from None
    try:
        yield
    finally:
        # A waiting process notices that the file is gone once it has the lock, and starts over.
        with suppress(OSError):
            path.unlink()
        lock.release()


def _write_pid(handle: int) -> None:
    os.ftruncate(handle, 0)
    # Windows lets no other process read the first byte of a locked file.
    os.write(handle, b"\n%d\n" % os.getpid())


def _read_pid(path: Path) -> int | None:
    # The holder is another process, whose time cannot be passed in. It writes its id right after it
    # has acquired the lock; the error names no process if that takes longer than 50 ms.
    for _attempt in range(_PID_ATTEMPTS):
        with suppress(OSError, ValueError), path.open("rb", buffering=0) as file:
            file.seek(1)
            return int(file.read(_LONGEST_PID))
        time.sleep(_PID_PAUSE_S)
    return None


def reason_of(fault: OSError) -> str:
    """Returns the operating system's description of an error, for a hint."""
    return (fault.strerror or type(fault).__name__).lower()
