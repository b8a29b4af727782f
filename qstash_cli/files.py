"""Files that the command line names: read and added to, their faults told by name."""

from __future__ import annotations

from pathlib import Path

from qstash_cli.errors import BadInput


def read_file(path: str) -> bytes:
    """The bytes of a file. Raises `BadInput` naming it."""
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as fault:
        raise BadInput(f"the file cannot be read: {path}", hint=_reason(fault)) from None


def append_text(path: str, text: str) -> None:
    """Adds text to a file. Raises `BadInput` naming it."""
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as fault:
        raise BadInput(f"the file cannot be written: {path}", hint=_reason(fault)) from None


def _reason(fault: OSError) -> str:
    return (fault.strerror or type(fault).__name__).lower()
