"""Prompts on a terminal: confirmations, and secrets without echo."""

from __future__ import annotations

from typing import BinaryIO, TextIO

from qstash_cli.errors import Interrupted


def confirm(question: str, stdin: BinaryIO, err: TextIO) -> None:
    """Asks a yes-or-no question. Raises `Interrupted` unless the user answers yes."""
    from qstash_cli.output.safe import safe_text

    err.write(f"{safe_text(question)} [y/N] ")
    err.flush()
    line = stdin.readline().decode(errors="replace")
    if not line.endswith("\n"):
        err.write("\n")
    if line.strip().lower() not in {"y", "yes"}:
        raise Interrupted("not confirmed", hint="nothing was sent")


def secret(what: str, err: TextIO) -> str:
    """Prompts for a secret without echo. Raises `Interrupted` at the end of input."""
    import getpass

    try:
        return getpass.getpass(f"{what}: ", err).strip()
    except EOFError:
        raise Interrupted(f"no {what} was given", hint="nothing was changed") from None
