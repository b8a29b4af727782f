"""Queues. Source: QStash docs, "Queues"."""

from __future__ import annotations

from qstash_cli.server.delivery import cancelling
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import queues
from qstash_cli.server.storage.queues import Queue
from qstash_cli.server.storage.store import Connection


async def list_all(account: Account) -> list[Queue]:
    """Returns all queues by name."""
    return await account.store.run(queues.list_all)


async def get(account: Account, name: str) -> Queue:
    """Returns the queue with this name. Raises `ApiError` if there isn't one."""
    return await account.store.run(lambda connection: queues.get(connection, name))


async def put(
    account: Account, name: str, *, parallelism: int | None, is_paused: bool | None
) -> None:
    """Creates or updates a queue; None leaves a value unchanged.

    Raises `ApiError` if the plan does not allow it.
    """
    now_ms = account.clock.now_ms()
    quota.validate_limit("Parallelism", parallelism or 1, account.limits.parallelism)

    def change(connection: Connection) -> Queue:
        quota.validate_count(connection, account.limits, "queues", name)
        return queues.put(connection, name, now_ms, parallelism=parallelism, is_paused=is_paused)

    account.engine.set_queue(await account.store.run(change))


async def pause(account: Account, name: str, *, is_paused: bool) -> None:
    """Pauses or resumes a queue. Raises `ApiError` if it does not exist."""
    await get(account, name)
    await put(account, name, parallelism=None, is_paused=is_paused)


async def delete(account: Account, name: str) -> None:
    """Deletes a queue if it exists."""

    def change(connection: Connection) -> list[str]:
        # Guess: the messages of a deleted queue are cancelled.
        message_ids = queues.delete(connection, name)
        now_ms = account.clock.now_ms()
        for message_id in message_ids:
            is_in_flight = account.engine.is_in_flight(message_id)
            cancelling.cancel(connection, message_id, now_ms, is_in_flight=is_in_flight)
        return message_ids

    account.engine.remove(await account.store.run(change))
    account.engine.reset_queue(name)
