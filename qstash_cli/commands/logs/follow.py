"""Follows the log: yields each new entry once, and retries after network errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from qstash_cli.cli.polling import rounds
from qstash_cli.errors import BadCredentials, BadInput, QstashError, Unreachable
from qstash_cli.protocol.states import LOG_LAG_MS

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


class Log(NamedTuple):
    """The log to follow.

    `since(ms)` reads all entries from that time on, newest first. `newest_ms()` is the time of the
    last entry, or 0. `sleep` takes seconds, and `note` writes to standard error.
    """

    since: Callable[[int], Sequence[LogEntry]]
    newest_ms: Callable[[], int]
    sleep: Callable[[float], None]
    note: Callable[[str], None]


def follow(log: Log, since_ms: int | None) -> Iterator[LogEntry]:
    """Yields entries from `since_ms` on, oldest first, endlessly.

    Without `since_ms`, yields only entries that do not exist yet. Only QStash's times count, since
    the local clock may be wrong. Raises any error of the first read, but later only
    `BadCredentials`, `BadInput` and errors that a retry cannot fix.
    """
    seen: dict[bytes, int] = {}
    if since_ms is None:
        newest_ms = log.newest_ms()
        known = log.since(max(newest_ms - LOG_LAG_MS, 0))
        newest_ms = max((entry["time"] for entry in known), default=newest_ms)
        seen = {_identity(entry): entry["time"] for entry in known}
        log.sleep(PAUSE_S)
    else:
        newest_ms = since_ms + LOG_LAG_MS
    is_first = since_ms is not None
    for _ in rounds(log.sleep, pause_s=PAUSE_S, longest_s=PAUSE_S):
        start_ms = max(newest_ms - LOG_LAG_MS, since_ms or 0)
        entries = log.since(start_ms) if is_first else _persistently(log, start_ms)
        is_first = False
        for entry in reversed(entries):
            identity = _identity(entry)
            if identity not in seen:
                seen[identity] = entry["time"]
                newest_ms = max(newest_ms, entry["time"])
                yield entry
        for identity in [i for i, time in seen.items() if time < newest_ms - LOG_LAG_MS]:
            del seen[identity]


def _persistently(log: Log, start_ms: int) -> Sequence[LogEntry]:
    is_reported = False
    for _ in rounds(log.sleep, pause_s=PAUSE_S, growth=2, longest_s=_LONGEST_PAUSE_S):
        try:
            entries = log.since(start_ms)
        except (BadCredentials, BadInput):
            raise
        except QstashError as error:
            if not (isinstance(error, Unreachable) or error.status in {429, 500}):
                raise
            if not is_reported:
                log.note(f"{error.message}; retrying until it responds")
            is_reported = True
        else:
            if is_reported:
                log.note("it responds again; nothing was missed")
            return entries
    raise AssertionError


def _identity(entry: LogEntry) -> bytes:
    import hashlib

    return hashlib.blake2b(json.dumps(entry, sort_keys=True).encode(), digest_size=16).digest()
