"""The dead letter queue. Source: QStash docs, "Dead letter queue"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.errors import ApiError
from qstash_cli.server.parameters import Parameters
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import dlq, messages
from qstash_cli.server.storage.dlq import DlqEntry, DlqPage
from qstash_cli.server.storage.messages import NewMessage, StoredMessage
from qstash_cli.server.storage.paging import PAGE_BYTES
from qstash_cli.server.storage.store import Connection

__all__ = [
    "DlqEntry",
    "DlqPage",
    "delete",
    "delete_matching",
    "get",
    "list_entries",
    "retry",
    "retry_existing",
    "retry_matching",
]


async def list_entries(account: Account, given: Parameters) -> DlqPage:
    """Returns a page of the entries that the parameters select. Raises `ApiError`."""
    return await account.store.run(
        lambda connection: dlq.page(connection, given, max_bytes=PAGE_BYTES)
    )


async def get(account: Account, dlq_id: str) -> DlqEntry:
    """Returns the entry with this id. Raises `ApiError` if there isn't one."""
    return await account.store.run(lambda connection: dlq.get(connection, dlq_id))


async def delete(account: Account, dlq_id: str) -> None:
    """Deletes an entry. Raises `ApiError` if it does not exist."""

    def change(connection: Connection) -> None:
        dlq.get(connection, dlq_id)
        dlq.delete(connection, [dlq_id])

    await account.store.run(change)


async def delete_matching(account: Account, given: Parameters) -> tuple[int, str]:
    """Deletes a page of entries; returns their number and the cursor of the next page, or ""."""

    def change(connection: Connection) -> tuple[int, str]:
        page = dlq.page(connection, given)
        dlq.delete(connection, [entry.id for entry in page.entries])
        return len(page.entries), page.cursor

    return await account.store.run(change)


async def retry(account: Account, dlq_id: str, overrides: Headers) -> StoredMessage:
    """Publishes the message of an entry again, with some option headers replaced.

    Raises `ApiError` if the entry does not exist or the plan does not allow it.
    """

    def change(connection: Connection) -> StoredMessage:
        return _publish_again(connection, account, dlq.get(connection, dlq_id), overrides)

    message = await account.store.run(change)
    account.engine.add([message])
    return message


async def retry_matching(
    account: Account, given: Parameters, overrides: Headers
) -> tuple[list[StoredMessage], str]:
    """Publishes a page of entries again; returns the messages and the cursor of the next page.

    Skips entries whose message is damaged, unless they are given by their ids: then it raises
    `ApiError`, as for an id that does not exist.
    """

    def change(connection: Connection) -> tuple[list[StoredMessage], str]:
        page = dlq.page(connection, given)
        requested = [one for text in given.get("dlqIds", []) for one in text.split(",")]
        if len(page.entries) < len(requested) and not page.cursor:
            raise ApiError(404, "some messages not found")
        entries = page.entries if requested else _undamaged(page.entries)
        published = [_publish_again(connection, account, entry, overrides) for entry in entries]
        return published, page.cursor

    published, cursor = await account.store.run(change)
    account.engine.add(published)
    return published, cursor


async def retry_existing(account: Account, dlq_ids: Sequence[str]) -> list[StoredMessage]:
    """Publishes at most a page of entries again; skips those that do not exist or are damaged."""

    def change(connection: Connection) -> list[StoredMessage]:
        page = dlq.page(connection, {"dlqIds": dlq_ids})
        entries = _undamaged(page.entries)
        return [_publish_again(connection, account, entry, ()) for entry in entries]

    published = await account.store.run(change)
    account.engine.add(published)
    return published


def _undamaged(entries: Sequence[DlqEntry]) -> list[DlqEntry]:
    return [entry for entry in entries if not entry.message.damage]


def _publish_again(
    connection: Connection, account: Account, entry: DlqEntry, overrides: Headers
) -> StoredMessage:
    now_ms, message = account.clock.now_ms(), entry.message
    if message.run_seq is not None:
        raise ApiError(404, f"dlq entry {entry.id} belongs to a workflow run: resume or restart it")
    if message.damage:
        raise ApiError(
            400,
            f"dlq entry {entry.id} cannot be retried: its stored message is damaged: "
            f"{message.damage}",
        )
    options = messages.overridden_options(message.options_json, overrides)
    quota.validate_message(account.limits, options, message.body, now_ms)
    quota.validate_daily_messages(connection, account.limits, 1, now_ms)
    new = NewMessage(
        url=message.url,
        options=replace(options, delay_s=None),
        body=message.body,
        created_ms=now_ms,
        due_ms=now_ms + (options.delay_s or 0) * 1000,
        caller_ip=message.caller_ip,
        url_group=message.url_group,
        endpoint=message.endpoint,
        schedule_id=message.schedule_id,
        queue=message.queue,
    )
    dlq.delete(connection, [entry.id])
    return messages.insert(connection, new, account.new_id)
