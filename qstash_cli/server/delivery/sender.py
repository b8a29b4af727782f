"""Sends a message to its destination, signed."""

from __future__ import annotations

from collections.abc import Callable

from qstash_cli.protocol import signature
from qstash_cli.protocol.delivery import Delivery
from qstash_cli.protocol.headers import Headers
from qstash_cli.server.clock import Clock
from qstash_cli.server.delivery.http_attempt import (
    LONGEST_S,
    Answer,
    Deliverer,
    failed,
)
from qstash_cli.server.storage.message import Message

REGION = "EU-CENTRAL-1"


class Sender:
    """Makes the request of a message, as QStash sends it, and delivers it."""

    def __init__(self, deliverer: Deliverer, clock: Clock, new_id: Callable[[str], str]) -> None:
        self._deliverer = deliverer
        self._clock = clock
        self._new_id = new_id

    async def send(self, message: Message, signing_key: str) -> Answer:
        """What came of an attempt. A message that cannot even be signed has failed."""
        try:
            headers = self._headers(message, signing_key)
        except Exception as error:  # noqa: BLE001 - an attempt that is not counted repeats for ever
            return failed(error)
        return await self._deliverer.deliver(
            method=message.options.method or "POST",
            url=message.url,
            headers=headers,
            body=message.body,
            timeout_s=min(LONGEST_S, message.options.timeout_s or LONGEST_S),
        )

    def _headers(self, message: Message, signing_key: str) -> Headers:
        row = message.row
        token = signature.sign(
            signing_key,
            url=message.url,
            body=message.body,
            now=self._clock.now_s(),
            token_id=self._new_id("jwt"),
        )
        delivery = Delivery(
            message_id=message.id,
            method=message.options.method or "POST",
            url=message.url,
            headers=message.options.headers,
            retried=message.retried,
            caller_ip=row["caller_ip"],
            urlgroup=row["topic"] or "",
            schedule_id=row["schedule_id"] or "",
        )
        return delivery.signed_headers(token, REGION)
