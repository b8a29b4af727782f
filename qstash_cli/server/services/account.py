"""An account: the data, deliveries and signing keys of one user."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qstash_cli.protocol.limits import PlanLimits
from qstash_cli.server.clock import ManualClock, ScaledClock
from qstash_cli.server.delivery.engine import Engine
from qstash_cli.server.delivery.http_attempt import Deliverer
from qstash_cli.server.storage.store import Store

if TYPE_CHECKING:
    from qstash_cli.server.services.bulk_cancel import BulkCancels
    from qstash_cli.server.services.scheduler import Scheduler


@dataclass(frozen=True)
class Account:
    """What the services of one user work with.

    `first_log_seq` is the last sequence number of the log from before the account was opened.
    `clock_lock` is held while the clock is moved.
    """

    name: str
    store: Store
    engine: Engine
    deliverer: Deliverer
    bulk_cancels: BulkCancels
    scheduler: Scheduler
    clock: ScaledClock | ManualClock
    new_id: Callable[[str], str]
    limits: PlanLimits
    first_log_seq: int
    clock_lock: asyncio.Lock
