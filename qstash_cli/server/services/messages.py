"""Messages. Source: QStash docs, "Messages"."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.server.delivery import cancelling
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import messages
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.store import Connection

# Guess: a message can be read for this long after its end; the docs say "shortly after".
READABLE_MS = 120_000


async def get(account: Account, message_id: str) -> StoredMessage:
    """Returns a message that is live or has ended recently. Raises `ApiError` for any other id."""
    found = await account.store.run(lambda connection: messages.find(connection, message_id))
    if found is None or not _is_readable(found, account.clock.now_ms()):
        raise _not_found(message_id)
    return found


async def cancel(account: Account, message_id: str) -> None:
    """Cancels a message. Raises `ApiError` if it is not live."""

    def change(connection: Connection) -> None:
        if _live(connection, message_id).run_seq is not None:
            # Without its message, the run would never continue or end.
            raise ApiError(400, f"message {message_id} belongs to a workflow run: cancel the run")
        _cancel(connection, account, [message_id])

    await account.store.run(change)
    account.engine.remove([message_id])


async def cancel_ids(account: Account, message_ids: Sequence[str]) -> int:
    """Cancels those of the messages that are live, and returns their number."""

    def change(connection: Connection) -> list[str]:
        live = messages.list_live_ids(connection, message_ids)
        _cancel(connection, account, live)
        return live

    cancelled = await account.store.run(change)
    account.engine.remove(cancelled)
    return len(cancelled)


async def retry_now(account: Account, message_id: str) -> None:
    """Delivers a message now that waits for its delay or for a retry.

    Raises `ApiError` if it does not wait for either, or is in a queue.
    """

    def change(connection: Connection) -> None:
        found = _live(connection, message_id)
        if found.queue is not None:
            raise ApiError(400, f"message {message_id} is in a queue and cannot be retried now")
        if not account.engine.is_waiting(message_id):
            raise ApiError(404, f"message {message_id} is not waiting for a delay or a retry")
        messages.set_due(connection, message_id, account.clock.now_ms())

    await account.store.run(change)
    account.engine.release(message_id)


def _live(connection: Connection, message_id: str) -> StoredMessage:
    found = messages.find(connection, message_id)
    if found is None or found.status != "live":
        raise _not_found(message_id)
    return found


def _cancel(connection: Connection, account: Account, message_ids: Sequence[str]) -> None:
    now_ms = account.clock.now_ms()
    for message_id in message_ids:
        is_in_flight = account.engine.is_in_flight(message_id)
        cancelling.cancel(connection, message_id, now_ms, is_in_flight=is_in_flight)


def _is_readable(message: StoredMessage, now_ms: int) -> bool:
    if message.status in {"cancelling", "cancelled"}:
        return False
    return message.ended_ms is None or now_ms <= message.ended_ms + READABLE_MS


def _not_found(message_id: str) -> ApiError:
    return ApiError(404, f"message {message_id} not found")
