"""What an attempt does to a message: the steps of its life in the store. Source: QStash docs,
"Logs", "Retry", "Dead letter queue".
"""

from __future__ import annotations

import json
import logging
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from qstash_cli.protocol import backoff
from qstash_cli.protocol.headers import as_lists
from qstash_cli.server.delivery import callbacks
from qstash_cli.server.delivery.http_attempt import Answer, failed
from qstash_cli.server.services import publishing
from qstash_cli.server.services.publishing import Stored
from qstash_cli.server.storage import message
from qstash_cli.server.storage.message import Message


class Ended(NamedTuple):
    """What follows an attempt: the time of the next one, if there is one, and the callbacks."""

    retry_at_ms: int | None = None
    created: tuple[Stored, ...] = ()


def begin(connection: sqlite3.Connection, message_id: str, now_ms: int) -> Message | None:
    """The message to deliver now, None if it must not be delivered any more."""
    found = message.find(connection, message_id)
    if found is not None and found.status == "cancelling":
        _complete_cancel(connection, message_id, now_ms)
    if found is None or found.status != "live":
        return None
    if found.damage:
        fail_damaged(connection, message_id, found.damage, now_ms)
        return None
    message.log(connection, message_id, "ACTIVE", now_ms)
    return found


def end(
    connection: sqlite3.Connection,
    tried: Message,
    answer: Answer,
    *,
    now_ms: int,
    now_s: float,
    new_id: Callable[[str], str],
) -> Ended:
    """Stores what came of an attempt.

    A response that cannot be stored counts as a failed attempt: delivered again, it could not be
    stored again. Raises what the database raises.
    """

    def store(outcome: Answer) -> Ended:
        return _end(connection, tried, outcome, now_ms=now_ms, now_s=now_s, new_id=new_id)

    connection.execute("SAVEPOINT outcome")
    try:
        return store(answer)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a destination has caused
        connection.execute("ROLLBACK TO outcome")
        return store(failed(error))
    finally:
        connection.execute("RELEASE outcome")


def _end(
    connection: sqlite3.Connection,
    tried: Message,
    answer: Answer,
    *,
    now_ms: int,
    now_s: float,
    new_id: Callable[[str], str],
) -> Ended:
    if answer.is_success:
        details = _details(answer)
        message.log(connection, tried.id, "DELIVERED", now_ms, **details)
        _finish(connection, tried.id, "delivered", now_ms)
        return _with_callbacks(connection, tried, answer, None, None, now_ms, new_id)
    error = answer.error or _status_text(answer.status)
    message.log(connection, tried.id, "ERROR", now_ms, error=error, **_details(answer))
    current = message.find(connection, tried.id)
    if current is None or current.status == "cancelling":
        _complete_cancel(connection, tried.id, now_ms)
        return Ended()
    if tried.retried < tried.max_retries and not answer.is_final:
        wait_ms = backoff.delay_ms(
            tried.retried + 1, tried.options.retry_delay, answer.headers, now_s
        )
        retry_at_ms = now_ms + wait_ms
        connection.execute(
            "UPDATE messages SET retried = retried + 1, due_ms = ? WHERE id = ?",
            (retry_at_ms, tried.id),
        )
        message.log(connection, tried.id, "RETRY", now_ms, nextDeliveryTime=retry_at_ms)
        return _with_callbacks(connection, tried, answer, None, retry_at_ms, now_ms, new_id)
    dlq_id = _bury(connection, tried.id, answer, now_ms)
    message.log(connection, tried.id, "FAILED", now_ms, error=error, **_details(answer))
    _finish(connection, tried.id, "failed", now_ms)
    return _with_callbacks(connection, tried, answer, dlq_id, None, now_ms, new_id)


def cancel(
    connection: sqlite3.Connection, message_id: str, now_ms: int, *, is_in_flight: bool
) -> None:
    """Cancel a live message.

    An attempt in flight is not interrupted. If it succeeds the message is delivered; otherwise the
    message is cancelled when the attempt ends.
    """
    message.log(connection, message_id, "CANCEL_REQUESTED", now_ms)
    if is_in_flight:
        connection.execute("UPDATE messages SET status = 'cancelling' WHERE id = ?", (message_id,))
    else:
        _complete_cancel(connection, message_id, now_ms)


def fail_damaged(connection: sqlite3.Connection, message_id: str, damage: str, now_ms: int) -> None:
    """Move a message that cannot be decoded to the DLQ, and report it."""
    error = f"the stored message is damaged: {damage}"
    logging.getLogger(__name__).warning("message %r failed: %s", message_id, error)
    message.log(connection, message_id, "ERROR", now_ms, error=error)
    _bury(connection, message_id, Answer(error=error), now_ms)
    message.log(connection, message_id, "FAILED", now_ms, error=error)
    _finish(connection, message_id, "failed", now_ms)


def complete_cancels(connection: sqlite3.Connection, now_ms: int) -> None:
    """Cancel the messages whose attempt was in flight when the server stopped."""
    rows = connection.execute("SELECT id FROM messages WHERE status = 'cancelling'").fetchall()
    for row in rows:
        _complete_cancel(connection, row["id"], now_ms)


def _complete_cancel(connection: sqlite3.Connection, message_id: str, now_ms: int) -> None:
    message.log(connection, message_id, "CANCELLED", now_ms)
    _finish(connection, message_id, "cancelled", now_ms)


def _finish(connection: sqlite3.Connection, message_id: str, status: str, now_ms: int) -> None:
    connection.execute(
        "UPDATE messages SET status = ?, ended_ms = ? WHERE id = ?", (status, now_ms, message_id)
    )


def _bury(connection: sqlite3.Connection, message_id: str, answer: Answer, now_ms: int) -> str:
    (last,) = connection.execute("SELECT ifnull(max(seq), 0) FROM dlq").fetchone()
    (used,) = connection.execute(
        "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'dlq'"
    ).fetchone()
    dlq_id = f"{now_ms}-{max(last, used) + 1}"
    connection.execute(
        "INSERT INTO dlq (id, message_id, failed_ms, status, headers, body) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            dlq_id, message_id, now_ms, answer.status, json.dumps(as_lists(answer.headers)),
            answer.body or answer.error.encode(),
        ),
    )  # fmt: skip
    return dlq_id


def _with_callbacks(  # noqa: PLR0917 - one step, told to both of its callers
    connection: sqlite3.Connection,
    tried: Message,
    answer: Answer,
    dlq_id: str | None,
    retry_at_ms: int | None,
    now_ms: int,
    new_id: Callable[[str], str],
) -> Ended:
    created = tuple(
        publishing.store(connection, draft, new_id)
        for draft in callbacks.drafts(tried, answer, dlq_id, now_ms)
    )
    return Ended(retry_at_ms=retry_at_ms, created=created)


def _details(answer: Answer) -> dict[str, Any]:
    if not answer.status:
        return {}
    return {
        "responseStatus": answer.status,
        "responseHeader": as_lists(answer.headers),
        "responseBody": b64encode(answer.body).decode(),
    }


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
