"""Selects the entries of one group of the dead letter queue."""

from __future__ import annotations

from typing import NamedTuple

from qstash_cli.cli.context import Context
from qstash_cli.client.api import dlq
from qstash_cli.client.api.filters import Filter
from qstash_cli.errors import BadInput, NotFound
from qstash_cli.protocol.failure_groups import reason_of_entry
from qstash_cli.protocol.failure_reason import Reason
from qstash_cli.protocol.numbers import amount

_LISTED = 5


class Selection(NamedTuple):
    """The reason of a group, and the DLQ ids of its entries."""

    reason: Reason
    ids: list[str]


def select_group(ctx: Context, key: str, criteria: Filter) -> Selection:
    """Returns the matching entries of the only group whose key begins with `key`.

    Raises `NotFound` if there is no such group, and `BadInput` if there are several.
    """
    found: dict[Reason, list[str]] = {}
    for entry in ctx.measured(ctx.read_pages(dlq.entries(criteria)), "entries read"):
        reason = reason_of_entry(entry)
        if reason.key.startswith(key):
            found.setdefault(reason, []).append(entry["dlqId"])
    if not found:
        raise NotFound(
            f"no group with this key in the dead letter queue: {key}",
            hint="`qstash dlq group` lists the groups; nothing was sent",
        )
    if len(found) > 1:
        keys = [reason.key for reason in found]
        more = f" and {len(keys) - _LISTED:,} more" if len(keys) > _LISTED else ""
        raise BadInput(
            f"the key of several groups begins with {key}: {', '.join(keys[:_LISTED])}{more}",
            hint="write more digits of the key; nothing was sent",
        )
    ((reason, ids),) = found.items()
    return Selection(reason, ids)


def confirm_group(ctx: Context, action: str, selection: Selection, *, yes: bool) -> None:
    """Asks before the entries are retried or deleted. Raises like `Context.confirm`."""
    reason = selection.reason
    cause = f"status {reason.status}" if reason.status else "no response"
    line = f": {reason.line}" if reason.line else ""
    entries = f"{amount(len(selection.ids), 'DLQ entry')} of group {reason.key}"

    def question() -> str:
        return f"{action} {entries} ({cause} from {reason.url}{line}) {ctx.account_phrase}?"

    ctx.confirm(f"{action} {entries}?", yes=yes, make_question=question)
