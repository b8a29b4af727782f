"""A file with the printed lines of `qstash dev` that exists while the server is running."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from qstash_cli.errors import BadInput, QstashError
from qstash_cli.files import reason_of, write_atomically


@contextlib.contextmanager
def ready_file(path: str | None) -> Iterator[Callable[[str], None]]:
    """Writes the file when it is called with its text, and removes it at the end.

    An old one is removed at once. Raises `BadInput` where it could not be written. Without a path
    nothing is written.
    """
    if path is None:
        yield lambda _text: None
        return
    target = Path(path).expanduser()
    _make_room(target)
    written: list[tuple[int, int]] = []
    try:
        yield lambda text: written.append(_write(target, text))
    finally:
        with contextlib.suppress(OSError):
            # Another server may have put its own there since.
            if _identity(target.stat()) in written:
                target.unlink()


def _make_room(target: Path) -> None:
    from tempfile import NamedTemporaryFile

    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise BadInput(
            f"the ready file would take the place of what is no plain file: {target}",
            hint="give --ready-file another name",
        )
    try:
        target.unlink(missing_ok=True)
        # Whoever waits for the ready file must not see it before the server responds.
        NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.").close()
    except OSError as fault:
        raise BadInput(
            f"the ready file cannot be written: {target}", hint=reason_of(fault)
        ) from None


def _write(target: Path, text: str) -> tuple[int, int]:
    """Puts the file there as a whole. Returns what tells it from others of its name."""
    try:
        return _identity(write_atomically(target, text.encode()))
    except OSError as fault:
        raise QstashError(
            f"the ready file cannot be written: {target}", hint=reason_of(fault)
        ) from None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_mtime_ns
