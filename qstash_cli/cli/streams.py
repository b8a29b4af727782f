"""The standard streams, which may be closed, full or unreadable.

Python uses None for a stream that was closed before the process started, and exits with 120 if the
final flush fails. Here every stream exists, and its failure is an error that names it.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TextIO

from qstash_cli.errors import OutputFailed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_STDIN, _STDOUT, _STDERR = range(3)


class InputFailed(OSError):
    """Standard input cannot be read."""


class Streams(NamedTuple):
    """Standard input, output and error. `columns` is the width of the terminal."""

    stdin: BinaryIO
    out: TextIO
    err: TextIO
    stdin_is_terminal: bool
    out_is_terminal: bool
    err_is_terminal: bool
    columns: int
    lines: int = 24


class _Raw(io.RawIOBase):
    """A file descriptor, which stays open, or nothing if it was closed."""

    def __init__(self, fd: int, *, is_open: bool) -> None:
        super().__init__()
        self._fd = fd
        self.is_open = is_open

    def fileno(self) -> int:
        if not self.is_open:
            raise io.UnsupportedOperation("the stream was closed at the start")
        return self._fd

    def isatty(self) -> bool:
        return self.is_open and os.isatty(self._fd)


class _Input(_Raw):
    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        if not self.is_open:
            raise InputFailed(errno.EBADF, "it is closed")
        try:
            data = os.read(self._fd, len(view))
        except OSError as fault:
            raise InputFailed(fault.errno, fault.strerror) from None
        view[: len(data)] = data
        return len(data)


class _Writer(io.TextIOWrapper):
    """A text stream for a descriptor, which stays open. `io.FileIO` does the writing.

    A raw stream in Python could be interrupted between the system call and its return: the next
    flush would then write the same data again.
    """

    def __init__(
        self, fd: int, stream: TextIO | None, *, errors: str, lines: bool, is_attended: bool
    ) -> None:
        super().__init__(
            io.BufferedWriter(io.FileIO(fd, "w", closefd=False)),
            encoding=stream.encoding if stream else "utf-8",
            errors=errors,
            line_buffering=lines,
        )
        self.is_open = stream is not None
        self._is_attended = is_attended

    def isatty(self) -> bool:
        """Whether the stream is a terminal that a person watches. Libraries ask too."""
        return self._is_attended and super().isatty()


class StandardOutput(_Writer):
    """Standard output. `write` and `flush` raise `OutputFailed`, or `BrokenPipeError`."""

    _discards = False
    is_at_line_start = True

    def write(self, text: str, /) -> int:
        """Writes text."""
        if text:
            self.is_at_line_start = text.endswith("\n")
        with self._failing():
            return super().write(text)

    def flush(self) -> None:
        """Flushes the buffer."""
        with self._failing():
            super().flush()

    def discard(self) -> None:
        """Drops buffered and all further data."""
        self._discards = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        self.flush()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        if not (self.is_open or self._discards):
            raise OutputFailed("it is closed")
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as fault:
            raise OutputFailed(fault.strerror or type(fault).__name__) from None


class _Messages(_Writer):
    """Standard error. If it cannot be written, there is nowhere to report that."""

    def write(self, text: str, /) -> int:
        """Writes text."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flushes the buffer."""
        with suppress(OSError):
            super().flush()


def open_streams(columns: str = "", lines: str = "", *, is_attended: bool = True) -> Streams:
    """Opens the streams of this process, which also replace those in `sys`.

    `columns` and `lines` are the width and height from the environment, or empty. If the run is not
    attended by a person, a terminal is like a pipe.
    """
    from qstash_cli.output.terminal import columns_of, lines_of

    given = (sys.stdin, sys.stdout, sys.stderr)
    if None in given:
        _occupy_closed_descriptors()
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    errors = (sys.stdout and sys.stdout.errors) or "strict"
    if is_terminal and errors == "strict":
        # A terminal without Unicode displays escapes; in a pipe, data must not change.
        errors = "backslashreplace"
    out = StandardOutput(
        _STDOUT, sys.stdout, errors=errors, lines=is_terminal, is_attended=is_attended
    )
    err = _Messages(
        _STDERR, sys.stderr, errors="backslashreplace", lines=True, is_attended=is_attended
    )
    stdin = io.BufferedReader(_Input(_STDIN, is_open=sys.stdin is not None))
    sys.stdout, sys.stderr = out, err
    return Streams(
        stdin=stdin,
        out=out,
        err=err,
        stdin_is_terminal=is_attended and stdin.isatty(),
        out_is_terminal=out.isatty(),
        err_is_terminal=err.isatty(),
        columns=columns_of(columns, out),
        lines=lines_of(lines, out),
    )


def _occupy_closed_descriptors() -> None:
    """Opens closed descriptors on nothing, so that no file or socket becomes a standard stream."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(fd, True)
    os.close(fd)


def has_data(stream: BinaryIO) -> bool:
    """Whether a file, pipe or socket has data at this moment. Neither reads nor waits."""
    try:
        fd = stream.fileno()
        status = os.fstat(fd)
        if stat.S_ISREG(status.st_mode):
            return status.st_size > os.lseek(fd, 0, os.SEEK_CUR)
        if stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode):
            return _waiting_bytes(fd) > 0
    except OSError:
        # The stream has no descriptor, or is a socket that only accepts connections.
        return False
    return False


def _waiting_bytes(fd: int) -> int:
    try:
        import fcntl
        import termios
    except ImportError:
        return 0
    # Unlike select, this distinguishes data from the end of the stream.
    number = bytearray(4)
    fcntl.ioctl(fd, termios.FIONREAD, number)
    return int.from_bytes(number, sys.byteorder)
