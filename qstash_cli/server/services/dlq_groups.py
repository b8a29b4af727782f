"""The dead letter queue by the reason of the failures: retrying and deleting all that match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qstash_cli.errors import BadInput
from qstash_cli.protocol.failure_reason import Reason
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services import dlq
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import dlq_groups
from qstash_cli.server.storage.dlq_groups import DlqGroup, DlqGroups, DlqQuery, GroupedEntry
from qstash_cli.server.storage.message_list import MessageFilter

__all__ = [
    "DlqGroup",
    "DlqGroups",
    "DlqQuery",
    "GroupedEntry",
    "MessageFilter",
    "Reason",
    "delete_all",
    "group",
    "retry_all",
    "select_ids",
]

# Deliveries continue between two steps.
_STEP = 100


async def group(account: Account, query: DlqQuery, *, before: int | None, limit: int) -> DlqGroups:
    """Returns the groups, each with at most `limit` entries before a sequence number."""
    return await account.store.run(
        lambda connection: dlq_groups.group(connection, query, before=before, limit=limit)
    )


async def select_ids(account: Account, query: DlqQuery, *, until: int) -> list[str]:
    """Returns the ids of the entries up to a sequence number."""
    return await account.store.run(
        lambda connection: dlq_groups.select_ids(connection, query, until=until)
    )


async def retry_all(account: Account, dlq_ids: Sequence[str]) -> int:
    """Publishes the messages of entries again, and returns their number.

    Skips entries that no longer exist. Raises `ApiError`, naming the number, if the plan does not
    allow more.
    """
    count = 0
    for ids in _steps(dlq_ids):
        try:
            count += len(await dlq.retry_existing(account, ids))
        except (ApiError, BadInput) as error:
            raise ApiError(
                400, f"{error.message}; retried {count} of {len(dlq_ids)} entries"
            ) from None
    return count


async def delete_all(account: Account, dlq_ids: Sequence[str]) -> int:
    """Deletes entries, and returns the number of those that still existed."""
    count = 0
    for ids in _steps(dlq_ids):
        deleted, _ = await dlq.delete_matching(account, {"dlqIds": ids})
        count += deleted
    return count


def _steps(dlq_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(dlq_ids), _STEP):
        yield dlq_ids[start : start + _STEP]
