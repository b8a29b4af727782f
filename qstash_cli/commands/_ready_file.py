"""A file that is there as long as a server answers: what `qstash dev` prints, for scripts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from qstash_cli.errors import BadInput, QstashError


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
            if _identity(target) in written:
                target.unlink()


def _make_room(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise BadInput(
            f"the ready file would take the place of what is no plain file: {target}",
            hint="give --ready-file another name",
        )
    try:
        target.unlink(missing_ok=True)
        new = _written_beside(target, "")
        new.unlink()
    except OSError as fault:
        raise BadInput(
            f"the ready file cannot be written: {target}", hint=(fault.strerror or "").lower()
        ) from None


def _write(target: Path, text: str) -> tuple[int, int]:
    """Puts the file there as a whole. Returns what tells it from others of its name."""
    try:
        new = _written_beside(target, text)
        identity = _identity(new)
        new.replace(target)
    except OSError as fault:
        raise QstashError(
            f"the ready file cannot be written: {target}", hint=(fault.strerror or "").lower()
        ) from None
    return identity


def _written_beside(target: Path, text: str) -> Path:
    import tempfile

    # mkstemp makes the file with mode 0600, so that no token in it is ever readable by others.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    return Path(name)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns
