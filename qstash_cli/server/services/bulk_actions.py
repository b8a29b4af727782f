"""Bulk actions. Source: QStash docs, "List bulk actions"."""

from __future__ import annotations

from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import bulk_actions
from qstash_cli.server.storage.bulk_actions import BulkAction


async def list_page(
    account: Account, *, cursor: str | None, limit: int
) -> tuple[list[BulkAction], str]:
    """Returns the newest actions after the cursor, and the cursor of the next page or "".

    Raises `ApiError` for a cursor that is not a number.
    """
    now_ms = account.clock.now_ms()
    return await account.store.run(
        lambda connection: bulk_actions.page(connection, cursor=cursor, limit=limit, now_ms=now_ms)
    )


async def get(account: Account, action_id: str) -> BulkAction:
    """Returns the action with this id. Raises `ApiError` if it is unknown or has expired."""
    now_ms = account.clock.now_ms()
    return await account.store.run(
        lambda connection: bulk_actions.get(connection, action_id, now_ms)
    )
