"""The log. Source: QStash docs, "Logs"."""

from __future__ import annotations

from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import log_pages
from qstash_cli.server.storage.log_pages import GroupedLogPage, LogEntry, LogPage, Timeline

__all__ = [
    "GroupedLogPage",
    "LogEntry",
    "LogPage",
    "Timeline",
    "is_grouped",
    "list_after",
    "list_entries",
    "list_groups",
    "list_timelines_after",
]


def is_grouped(given: Parameters) -> bool:
    """Returns whether the entries are requested by message. Raises `ApiError` for other groups."""
    wanted = given.get("groupBy")
    if wanted and list(wanted) != ["messageId"]:
        raise ApiError(400, f"unknown groupBy: {wanted[-1]}")
    return bool(wanted)


async def list_entries(account: Account, given: Parameters, trim: int | None) -> LogPage:
    """Returns a page of entries, with bodies cut to `trim` bytes unless it is None.

    Raises `ApiError` if the parameters are not valid.
    """
    return await account.store.run(lambda connection: log_pages.page(connection, given, trim))


async def list_after(
    account: Account, seq: int, limit: int, trim: int
) -> tuple[list[LogEntry], int]:
    """Returns the next entries after a sequence number, and the number of the last one."""
    return await account.store.run(
        lambda connection: log_pages.entries_after(connection, seq, limit, trim)
    )


async def list_timelines_after(
    account: Account, seq: int, limit: int
) -> tuple[list[Timeline], int]:
    """Returns the messages of the next entries after a sequence number, and the last one's number.

    Each message has its last entries until then.
    """
    return await account.store.run(
        lambda connection: log_pages.timelines_after(connection, seq, limit)
    )


async def list_groups(account: Account, given: Parameters, trim: int | None) -> GroupedLogPage:
    """Returns a page of messages with their entries; otherwise as `list_entries`."""
    return await account.store.run(
        lambda connection: log_pages.grouped_page(connection, given, trim)
    )
