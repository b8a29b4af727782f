"""Groups the entries of a dead letter queue by the reason of their failures."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from qstash_cli.protocol.failure_reason import HEAD_BYTES, Reason, reason_of
from qstash_cli.protocol.records import DlqEntry

# Limits the memory for entries that all differ.
MAX_GROUPS = 10_000
# A multiple of four characters is base64 of its own.
_HEAD_BASE64_CHARS = (HEAD_BYTES + 2) // 3 * 4


class Group(NamedTuple):
    """The entries with a reason: their number, and the creation of the first and last message.

    Times are unix milliseconds, None if QStash does not report them. `sample_id` is the DLQ id of
    the newest entry.
    """

    reason: Reason
    size: int
    first_ms: int | None
    last_ms: int | None
    sample_id: str


class Groups(NamedTuple):
    """The groups, largest first, and the number of all entries, of which some are not grouped.

    These are the entries whose reasons would have been too many.
    """

    groups: list[Group]
    total: int
    ungrouped: int


@dataclass(slots=True)
class _Count:
    size: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    sample_id: str = ""

    def add(self, entry: DlqEntry) -> None:
        self.size += 1
        at_ms = entry.get("createdAt")
        if not isinstance(at_ms, int):
            self.sample_id = self.sample_id or entry["dlqId"]
            return
        if self.first_ms is None or at_ms < self.first_ms:
            self.first_ms = at_ms
        if self.last_ms is None or at_ms >= self.last_ms:
            self.last_ms, self.sample_id = at_ms, entry["dlqId"]


@dataclass
class _Counts:
    by_reason: dict[Reason, _Count] = field(default_factory=dict)
    total: int = 0
    ungrouped: int = 0

    def add(self, entry: DlqEntry, max_groups: int) -> None:
        self.total += 1
        reason = reason_of_entry(entry)
        count = self.by_reason.get(reason)
        if count is None:
            if len(self.by_reason) == max_groups:
                self.ungrouped += 1
                return
            count = self.by_reason[reason] = _Count()
        count.add(entry)


def group_entries(entries: Iterable[DlqEntry], *, max_groups: int = MAX_GROUPS) -> Groups:
    """Returns the groups of the entries, whose number is not limited."""
    counts = _Counts()
    for entry in entries:
        counts.add(entry, max_groups)
    groups = [
        Group(reason, one.size, one.first_ms, one.last_ms, one.sample_id)
        for reason, one in counts.by_reason.items()
    ]
    groups.sort(key=lambda group: (-group.size, -(group.last_ms or 0), group.reason))
    return Groups(groups, counts.total, counts.ungrouped)


def reason_of_entry(entry: DlqEntry) -> Reason:
    """Returns why the message of an entry failed."""
    # In long lists, only the required fields have been validated.
    status, text = entry.get("responseStatus"), entry.get("responseBody")
    if not text or not isinstance(text, str):
        text = _decoded(entry.get("responseBodyBase64"))
    return reason_of(status if isinstance(status, int) else 0, entry["url"], text)


def _decoded(text: object) -> str:
    if not isinstance(text, str):
        return ""
    try:
        return b64decode(text[:_HEAD_BASE64_CHARS]).decode(errors="replace")
    except ValueError:
        return text
