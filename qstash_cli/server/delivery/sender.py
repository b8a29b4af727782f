"""Sends a message to its destination, signed."""

from __future__ import annotations

from collections.abc import Callable

from qstash_cli.protocol import signature
from qstash_cli.protocol.delivery import Delivery
from qstash_cli.protocol.faults import NO_FAULTS
from qstash_cli.protocol.headers import Headers
from qstash_cli.server.clock import Clock
from qstash_cli.server.delivery.http_attempt import (
    MAX_TIMEOUT_S,
    AttemptResponse,
    Deliverer,
    failed,
    timed_out,
)
from qstash_cli.server.delivery.planning import AttemptPlan
from qstash_cli.server.delivery.waits import Waits

REGION = "EU-CENTRAL-1"


class Sender:
    """Builds the request of a message as QStash does, and delivers it."""

    def __init__(
        self, deliverer: Deliverer, clock: Clock, new_id: Callable[[str], str], waits: Waits
    ) -> None:
        self._deliverer = deliverer
        self._clock = clock
        self._new_id = new_id
        self._waits = waits

    async def send(self, plan: AttemptPlan) -> AttemptResponse:
        """Returns the response to an attempt. A message that cannot be signed has failed."""
        faults = plan.faults
        timeout_s = min(MAX_TIMEOUT_S, plan.message.options.timeout_s or MAX_TIMEOUT_S)
        if faults == NO_FAULTS and not self._waits.are_manual:
            return await self._deliver(plan, timeout_s)
        try:
            response = await self._waits.limit(timeout_s, self._deliver_with(plan, timeout_s))
        except TimeoutError:
            response = timed_out(timeout_s)
        return response._replace(faults=faults.names)

    async def _deliver_with(self, plan: AttemptPlan, timeout_s: float) -> AttemptResponse:
        faults = plan.faults
        if faults.slow_s:
            await self._waits.sleep(faults.slow_s)
        if faults.is_error:
            return AttemptResponse(error="injected fault: nothing was sent")
        response = await self._deliver(plan, timeout_s)
        if faults.is_duplicate:
            # As after a lost response, which QStash never saw.
            response = await self._deliver(plan, timeout_s)
        return response

    async def _deliver(self, plan: AttemptPlan, timeout_s: float) -> AttemptResponse:
        message = plan.message
        try:
            headers = self._headers(plan)
        except Exception as error:  # noqa: BLE001 - an attempt that is not counted repeats forever
            return failed(error)
        return await self._deliverer.deliver(
            method=message.options.method or "POST",
            url=message.url,
            headers=headers,
            body=message.body,
            timeout_s=timeout_s,
        )

    def _headers(self, plan: AttemptPlan) -> Headers:
        message = plan.message
        token = signature.sign(
            plan.signing_key,
            url=message.url,
            body=message.body,
            now=self._clock.now_s(),
            token_id=self._new_id("jwt"),
        )
        delivery = Delivery(
            message_id=message.id,
            method=message.options.method or "POST",
            url=message.url,
            headers=plan.headers,
            retried=message.retried,
            caller_ip=message.caller_ip,
            urlgroup=message.url_group or "",
            schedule_id=message.schedule_id or "",
            added_headers=message.added_headers,
        )
        return delivery.signed_headers(token, REGION)
