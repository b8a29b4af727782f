"""Writes and strictly parses the lines of a journal.

Each line is a JSON object. The first one identifies the job and the API URL:

    {"journal": 2, "job": "batch_...", "api_url": "https://...", "begins_with": ["<sha256>", ...]}

Each further line records the result of a chunk. `done` are ranges of lines that QStash
acknowledged, each with the SHA-256 digest of its bytes; `refused` are the lines of refused records:

    {"done": [[1, 2, "<sha256>"], [4, 9, "<sha256>"]], "sent": 8, "refused": [[3, 3, "<sha256>"]]}

The last line of a run that reached the end of the input is:

    {"finished": true, "at_s": 1725323658.8}

A journal contains no bodies and no secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

from qstash_cli.batch.lines import LineRange

VERSION = 2
# Larger numbers cannot be line numbers or times.
_MAX_NUMBER = 2**53
_JOB = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Head(NamedTuple):
    """Identifies the run of a journal. `begins_with` are digests of the input's first two lines."""

    job: str
    api_url: str
    begins_with: tuple[str, ...] = ()


class Progress(NamedTuple):
    """The result of a chunk, of which `sent` records were sent."""

    done: tuple[LineRange, ...]
    sent: int
    refused: tuple[LineRange, ...] = ()


class Finish(NamedTuple):
    """The run reached the end of the input at `at_s`, in unix seconds."""

    at_s: float


def to_line(entry: Head | Progress | Finish) -> bytes:
    """Returns a line of a journal, with its line feed."""
    values: dict[str, object]
    match entry:
        case Head():
            values = {"journal": VERSION, **entry._asdict()}
        case Progress(refused=()):
            values = {"done": entry.done, "sent": entry.sent}
        case Progress():
            values = entry._asdict()
        case Finish():
            values = {"finished": True, "at_s": entry.at_s}
    return f"{json.dumps(values)}\n".encode()


def object_of(line: bytes) -> dict[str, object]:
    """Parses a line to a JSON object. Raises `ValueError` with the reason."""
    try:
        value = json.loads(line.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        raise ValueError("not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what a file contains
    return value


def head_of(values: Mapping[str, object]) -> Head:
    """Parses the first line of a journal of this version. Raises `ValueError` with the reason."""
    job, api_url = _text(values, "job"), _text(values, "api_url")
    if not _JOB.fullmatch(job):
        raise ValueError('"job" is not a job id')
    digests = values.get("begins_with", [])
    if not isinstance(digests, list) or not all(map(_is_digest, digests)):
        raise ValueError('"begins_with" is not a list of SHA-256 digests')
    return Head(job, api_url, tuple(digests))


def entry_of(values: Mapping[str, object]) -> Progress | Finish:
    """Parses any other line of a journal. Raises `ValueError` with the reason."""
    if "done" in values:
        return Progress(
            done=_ranges(values, "done"),
            sent=_count(values, "sent"),
            refused=_ranges(values, "refused"),
        )
    if values.get("finished") is not True:
        raise ValueError('neither "done" nor "finished": true')
    at_s = values.get("at_s")
    if isinstance(at_s, bool) or not isinstance(at_s, int | float) or not 0 <= at_s < _MAX_NUMBER:
        raise ValueError('"at_s" is not a time')
    return Finish(at_s)


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise ValueError(f'"{name}" is not a string')  # noqa: TRY004 - what a file contains
    return value


def _count(values: Mapping[str, object], name: str) -> int:
    value = values.get(name)
    if not _is_integer(value) or value < 0:
        raise ValueError(f'"{name}" is not a number of records')
    return value


def _ranges(values: Mapping[str, object], name: str) -> tuple[LineRange, ...]:
    found = values.get(name, [])
    if not isinstance(found, list) or not all(map(_is_range, found)):
        raise ValueError(f'"{name}" is not a list of [first line, last line, SHA-256 digest]')
    return tuple(LineRange(*one) for one in found)


def _is_range(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(map(_is_integer, value[:2]))
        and 1 <= value[0] <= value[1]
        and _is_digest(value[2])
    )


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value < _MAX_NUMBER


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None
