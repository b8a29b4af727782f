"""Prompts on a terminal: confirmations, and secrets without echo."""

from __future__ import annotations

from typing import BinaryIO, TextIO

from qstash_cli.errors import ExitCode, Interrupted, SilentExit


def confirm(question: str, stdin: BinaryIO, err: TextIO) -> None:
    """Asks a yes-or-no question. Unless the user agrees, says so and raises `SilentExit`."""
    answer = _answer(f"{question} [y/N]", stdin, err)
    if answer.strip().lower() not in {"y", "yes"}:
        err.write("Cancelled; nothing was changed\n")
        err.flush()
        raise SilentExit(ExitCode.INTERRUPTED)


def line(what: str, stdin: BinaryIO, err: TextIO) -> str:
    """Prompts for a line and returns it without surrounding spaces.

    Raises `Interrupted` at the end of input.
    """
    answer = _answer(f"{what}:", stdin, err)
    if not answer:
        raise Interrupted(f"no {what} was given", hint="nothing was changed")
    return answer.strip()


def _answer(question: str, stdin: BinaryIO, err: TextIO) -> str:
    """Writes the question and returns the line that follows, empty at the end of input."""
    from qstash_cli.output.safe import safe_text

    err.write(f"{safe_text(question)} ")
    err.flush()
    answer = stdin.readline().decode(errors="replace")
    if not answer.endswith("\n"):
        err.write("\n")
    return answer


def secret(what: str, err: TextIO) -> str:
    """Prompts for a secret without echo. Raises `Interrupted` at the end of input."""
    import getpass

    try:
        return getpass.getpass(f"{what}: ", err).strip()
    except EOFError:
        raise Interrupted(f"no {what} was given", hint="nothing was changed") from None
