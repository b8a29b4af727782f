"""The groups of DLQ entries that failed for the same reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.client.api.filters import Filter
from qstash_cli.commands.common.views import DLQ, matching
from qstash_cli.output.result import Column, Record, Result, View
from qstash_cli.protocol.numbers import amount

if TYPE_CHECKING:
    from qstash_cli.protocol.failure_groups import Group
    from qstash_cli.protocol.records import DlqEntry

# Enough of a key to be unique in nearly every queue. Commands accept any unique beginning.
_SHORT_KEY_CHARS = 8


def _short_key(record: Record) -> str:
    return str(record["group"])[:_SHORT_KEY_CHARS]


GROUPS = View(
    columns=(
        Column(name="group", of="group", where="data"),
        Column(name="group", of=_short_key, where="tables"),
        Column(name="entries", of="entries"),
        Column(name="status", of=lambda group: group["responseStatus"] or None, header="RESPONSE"),
        Column(name="url", of="url", format="url", header="URL"),
        Column(name="response", of="response", wraps=True, header="RESPONSE BODY"),
        Column(name="first", of="first", format="instant_ms", is_optional=True),
        Column(name="last", of="last", format="instant_ms", is_optional=True),
        Column(name="sample", of="sampleDlqId", format="id", is_optional=True),
    ),
    id="group",
    empty=DLQ.empty,
    noun=("group", "groups"),
)


def grouped(ctx: Context, entries: Iterator[DlqEntry], criteria: Filter) -> Result:
    """Returns the groups of all entries."""
    # Other commands for the DLQ do not need it.
    from qstash_cli.protocol.failure_groups import group_entries

    found = group_entries(ctx.measured(entries, "entries"))

    def footer() -> str | None:
        if not found.ungrouped:
            return None
        return (
            f"{amount(found.ungrouped, 'entry')} of {found.total:,} are in none of these groups; "
            "add a filter such as --since to group them"
        )

    return Result(
        data=[_record(one) for one in found.groups],
        view=matching(GROUPS, criteria),
        footer=footer,
    )


def _record(group: Group) -> dict[str, object]:
    return {
        "group": group.reason.key,
        "entries": group.size,
        "responseStatus": group.reason.status,
        "url": group.reason.url,
        "response": group.reason.line,
        "first": group.first_ms,
        "last": group.last_ms,
        "sampleDlqId": group.sample_id,
    }
