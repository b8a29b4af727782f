"""Writes failures, warnings and notes to standard error, as text or JSON."""

from __future__ import annotations

from typing import TextIO

from qstash_cli.errors import QstashError
from qstash_cli.output.json_text import compact
from qstash_cli.output.safe import safe_text

_BOLD_RED, _BOLD, _DIM, _PLAIN = "\x1b[1;31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def write_failure(error: QstashError, *, as_json: bool, err: TextIO, colour: bool) -> None:
    """Writes an error and its hint; as JSON, an object with a fixed set of keys."""
    if as_json:
        record = {
            "code": error.code,
            "message": error.message,
            "status": error.status,
            "hint": error.hint,
        }
        err.write(f"{compact(record)}\n")
    else:
        message = safe_text(error.message, keep_newlines=error.has_lines)
        _write_labelled("error", message, err, _BOLD_RED if colour else "")
        if error.hint:
            _write_labelled("hint", safe_text(error.hint), err, _BOLD if colour else "")
    err.flush()


def write_message(text: str, err: TextIO, kind: str) -> None:
    """Writes one line such as `warning: ...` or `note: ...`."""
    # A message may contain line feeds, and must not start a new line.
    _write_labelled(kind, safe_text(text), err, "")
    err.flush()


def write_dim(text: str, err: TextIO, *, colour: bool) -> None:
    """Writes one line that is less important than the data above it."""
    err.write(f"{_DIM}{text}{_PLAIN}\n" if colour else f"{text}\n")
    err.flush()


def _write_labelled(label: str, safe: str, err: TextIO, style: str) -> None:
    prefix = f"{style}{label}:{_PLAIN}" if style else f"{label}:"
    err.write(f"{prefix} {safe}\n")
