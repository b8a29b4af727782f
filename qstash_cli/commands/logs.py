"""`qstash logs`: what happened to messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from qstash_cli.client import logs as api
from qstash_cli.client.filters import Filter
from qstash_cli.commands._options import LogFilters, Paging
from qstash_cli.commands._paging import cut
from qstash_cli.commands._signature import command, group
from qstash_cli.commands._views import LOG
from qstash_cli.flags import flag
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result
from qstash_cli.protocol.records import LogEntry

app = group("What happened to messages")

_PAUSE_S = 1.0
# Entries may appear in the log this much later than the time they carry.
_LAG_MS = 30_000


@dataclass(frozen=True, kw_only=True)
class Following:
    """Whether to go on."""

    follow: bool = flag("Go on showing new entries, oldest first", "-f", "--follow")


@command(app, view=LOG)
def logs(inv: Invocation, *, filters: LogFilters, paging: Paging, following: Following) -> Result:
    """Show what happened to messages, newest first.

    \b
    qstash logs --label nightly --state failed --since 2h
    qstash logs --message msg_123 -o jsonl
    qstash logs --follow
    """
    wanted = filters.filter()
    if following.follow:
        entries = _new_entries(inv, wanted)
        return Result(data=cast("Any", entries), view=LOG, live=True)
    page = api.PAGE if paging.all else min(paging.limit + 1, api.PAGE)
    entries = cut(inv, inv.pages(api.entries(wanted, page=page)), paging)
    return Result(data=cast("Any", entries), view=LOG)


def _new_entries(inv: Invocation, wanted: Filter) -> Iterator[LogEntry]:
    since_ms = wanted.from_ms if wanted.from_ms is not None else round(inv.now() * 1000)
    seen: dict[tuple[int, str, str], None] = {}
    newest_ms = since_ms
    while True:
        window = replace(wanted, from_ms=max(since_ms, newest_ms - _LAG_MS))
        for entry in reversed(list(inv.pages(api.entries(window)))):
            key = (entry["time"], entry["messageId"], entry["state"])
            if key not in seen:
                seen[key] = None
                newest_ms = max(newest_ms, entry["time"])
                yield entry
        for key in [k for k in seen if k[0] < newest_ms - 2 * _LAG_MS]:
            del seen[key]
        inv.sleep(_PAUSE_S)
