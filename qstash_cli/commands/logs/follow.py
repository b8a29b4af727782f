"""New log entries as they appear, each once, over faults of the network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qstash_cli.errors import BadCredentials, BadInput, QstashError, Unreachable

if TYPE_CHECKING:
    from qstash_cli.protocol.records import LogEntry

PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
# Entries may appear in the log this much later than the time they carry.
LAG_MS = 30_000


@dataclass(frozen=True, kw_only=True)
class Log:
    """The log to follow. `since(ms)` reads all entries from that time on, newest first;
    `newest_ms()` is the time of the last one, 0 if there is none. `sleep` takes seconds,
    `note` writes to standard error.
    """

    since: Callable[[int], Sequence[LogEntry]]
    newest_ms: Callable[[], int]
    sleep: Callable[[float], None]
    note: Callable[[str], None]


def follow(log: Log, since_ms: int | None) -> Iterator[LogEntry]:
    """Entries from `since_ms` on, without it those that are not there yet, oldest first, for ever.

    New is judged by QStash's times alone: this machine's clock may be wrong. Raises what the
    first read raises, and `BadCredentials` or `BadInput` later; other faults are waited out.
    """
    seen: dict[bytes, int] = {}
    if since_ms is None:
        newest_ms = log.newest_ms()
        known = log.since(max(newest_ms - LAG_MS, 0))
        newest_ms = max((entry["time"] for entry in known), default=newest_ms)
        seen = {_identity(entry): entry["time"] for entry in known}
        log.sleep(PAUSE_S)
    else:
        newest_ms = since_ms + LAG_MS
    is_first = since_ms is not None
    while True:
        start_ms = max(newest_ms - LAG_MS, since_ms or 0)
        entries = log.since(start_ms) if is_first else _persistently(log, start_ms)
        is_first = False
        for entry in reversed(entries):
            identity = _identity(entry)
            if identity not in seen:
                seen[identity] = entry["time"]
                newest_ms = max(newest_ms, entry["time"])
                yield entry
        for identity in [i for i, time in seen.items() if time < newest_ms - LAG_MS]:
            del seen[identity]
        log.sleep(PAUSE_S)


def _persistently(log: Log, start_ms: int) -> Sequence[LogEntry]:
    pause_s, is_reported = PAUSE_S, False
    while True:
        try:
            entries = log.since(start_ms)
        except (BadCredentials, BadInput):
            raise
        except QstashError as error:
            if not (isinstance(error, Unreachable) or error.status in {429, 500}):
                raise
            if not is_reported:
                log.note(f"{error.message}; trying again until it answers")
            is_reported = True
            log.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        else:
            if is_reported:
                log.note("it answers again; nothing was missed")
            return entries


def _identity(entry: LogEntry) -> bytes:
    import hashlib

    return hashlib.blake2b(json.dumps(entry, sort_keys=True).encode(), digest_size=16).digest()
