"""Files on this machine: read and appended to by name, created private, replaced whole, locked."""

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
    """Another process holds the lock. `pid` is that process, None if it cannot be read."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(pid)
        self.pid = pid

    @property
    def holder(self) -> str:
        """The process, for an error message."""
        return f"process {self.pid}" if self.pid else "another process"


def read_file(path: str) -> bytes:
    """The bytes of a file. Raises `BadInput` naming it."""
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as fault:
        raise BadInput(f"the file cannot be read: {path}", hint=reason_of(fault)) from None


def append_text(path: str, text: str) -> None:
    """Appends UTF-8 text to a file. Raises `BadInput` naming it."""
    try:
        with open_private(Path(path), "ab") as file:
            file.write(text.encode())
    except OSError as fault:
        raise BadInput(f"the file cannot be written: {path}", hint=reason_of(fault)) from None


def open_private(path: Path, mode: Literal["ab", "a+b", "xb"]) -> BinaryIO:
    """Opens a file that is created with mode 0600. An existing file keeps its mode.

    Raises `OSError`.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, _OWNER_ONLY)

    return open(path, mode, opener=opener)


def write_atomically(
    path: Path, data: bytes | Iterable[bytes], *, durable: bool = True
) -> os.stat_result:
    """Replaces a file by one with mode 0600 and this content; readers see the old or the new one.

    Returns the status of the new file. Without `durable`, the content may be lost when the machine
    stops. Raises `OSError`; the old file is intact then.
    """
    import tempfile

    # mkstemp creates the file with mode 0600: no secret is readable by others at any time.
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
    """Holds the lock file `path`, which names this process, until the end of the block.

    The operating system releases the lock when the process ends, however it ends. Raises
    `LockedByAnother` if another process still holds it after `timeout_s`, and `OSError`.
    """
    from filelock import FileLock, Timeout

    # filelock would create a directory whose name may be a mistake.
    path.parent.stat()
    lock = FileLock(path, timeout=timeout_s, mode=_OWNER_ONLY, on_acquired=_write_pid)
    try:
        lock.acquire()
    except Timeout:
        raise LockedByAnother(_read_pid(path)) from None
    try:
        yield
    finally:
        # Whoever waits for this file finds that it is gone once it has the lock, and starts over.
        with suppress(OSError):
            path.unlink()
        lock.release()


def _write_pid(handle: int) -> None:
    os.ftruncate(handle, 0)
    # Windows lets no other process read the first byte of a locked file.
    os.write(handle, b"\n%d\n" % os.getpid())


def _read_pid(path: Path) -> int | None:
    # The holder writes it right after it has got the lock.
    for _attempt in range(_PID_ATTEMPTS):
        with suppress(OSError, ValueError), path.open("rb", buffering=0) as file:
            file.seek(1)
            return int(file.read(_LONGEST_PID))
        time.sleep(_PID_PAUSE_S)
    return None


def reason_of(fault: OSError) -> str:
    """The operating system's words for an error, for a hint."""
    return (fault.strerror or type(fault).__name__).lower()
