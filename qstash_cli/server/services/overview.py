"""What the console displays of messages: lists, one message with its log, and counts."""

from __future__ import annotations

from typing import NamedTuple

from qstash_cli.server.errors import ApiError
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import activity, keys, log_pages, message_list, messages
from qstash_cli.server.storage.activity import DueMessage, FailingHost, Step
from qstash_cli.server.storage.log_pages import LogEntry
from qstash_cli.server.storage.message_list import (
    STATES,
    ListedMessage,
    MessageFilter,
    MessagePage,
)
from qstash_cli.server.storage.messages import StoredMessage
from qstash_cli.server.storage.store import Connection

__all__ = [
    "STATES",
    "DueMessage",
    "FailingHost",
    "ListedMessage",
    "LogEntry",
    "MessageFilter",
    "MessagePage",
    "Step",
    "StoredMessage",
]


class MessageList(NamedTuple):
    """A page of messages, and the number of messages in each state."""

    page: MessagePage
    counts: dict[str, int]


class MessageDetails(NamedTuple):
    """A message, its log from the oldest entry on, and what is linked to it.

    `signing_key` is the current key of the account, with which a delivery would be signed now.
    """

    message: StoredMessage
    entries: list[LogEntry]
    callbacks: list[str]
    dlq_id: str | None
    is_in_flight: bool
    signing_key: str


async def list_messages(
    account: Account, wanted: MessageFilter, *, before: int | None, limit: int
) -> MessageList:
    """Returns the newest messages that match, or those before a sequence number."""

    def read(connection: Connection) -> MessageList:
        return MessageList(
            message_list.page(connection, wanted, before=before, limit=limit),
            message_list.count_states(connection, wanted),
        )

    return await account.store.run(read)


async def get_details(account: Account, message_id: str) -> MessageDetails:
    """Returns a message, whether or not it has ended. Raises `ApiError` for an unknown id."""

    def read(connection: Connection) -> MessageDetails:
        found = messages.find(connection, message_id)
        if found is None:
            raise ApiError(404, f"message {message_id} not found")
        return MessageDetails(
            message=found,
            entries=log_pages.entries_of(connection, message_id),
            callbacks=message_list.find_callbacks(connection, message_id),
            dlq_id=message_list.find_dlq_id(connection, message_id),
            is_in_flight=account.engine.is_in_flight(message_id),
            signing_key=keys.read(connection).current,
        )

    return await account.store.run(read)


async def count_changes(account: Account) -> int:
    """Returns how many rows have been changed since the server started."""
    return await account.store.run(lambda connection: connection.total_changes)


class Activity(NamedTuple):
    """The steps since a time, the hosts that fail, and the messages that are due next."""

    steps: list[Step]
    failing: list[FailingHost]
    due: list[DueMessage]


async def get_activity(account: Account, *, period_ms: int) -> Activity:
    """Returns what happened in the last `period_ms` of the server's clock, and what comes next."""
    now_ms = account.clock.now_ms()

    def read(connection: Connection) -> Activity:
        since_ms = now_ms - period_ms
        return Activity(
            activity.list_steps(connection, since_ms),
            activity.list_failing_hosts(connection, since_ms),
            activity.list_next(connection, now_ms),
        )

    return await account.store.run(read)
