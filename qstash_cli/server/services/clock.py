"""The server's clock: its time, its speed, and jumps to a later time."""

from __future__ import annotations

from qstash_cli.errors import BadInput
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.schedules import NEVER_MS
from qstash_cli.server.storage import activity, schedules
from qstash_cli.server.storage.store import Connection

MAX_SPEED = 1_000_000.0


def set_speed(account: Account, speed: float) -> None:
    """Changes how fast the clock runs. Raises `BadInput` for a speed that is not positive."""
    if not 0 < speed <= MAX_SPEED:
        raise BadInput(f"not a speed between 0 and {MAX_SPEED:,.0f}: {speed:g}")
    account.clock.set_speed(speed)
    _notify(account)


def advance(account: Account, milliseconds: int) -> None:
    """Moves the clock forward. Raises `BadInput` for a negative duration."""
    if milliseconds < 0:
        raise BadInput(
            "the clock cannot be set back", hint="times that have passed stay in the log"
        )
    account.clock.advance(milliseconds)
    _notify(account)


async def next_due_ms(account: Account) -> int | None:
    """Returns when the next message or schedule is due, None if nothing waits."""
    now_ms = account.clock.now_ms()

    def read(connection: Connection) -> list[int]:
        times = [one.due_ms for one in activity.list_next(connection, now_ms)[:1]]
        fires_ms = schedules.next_due_ms(connection)
        return [*times, *([fires_ms] if fires_ms and now_ms < fires_ms < NEVER_MS else ())]

    return min(await account.store.run(read), default=None)


async def jump_to_next(account: Account) -> int | None:
    """Moves the clock to when the next message or schedule is due, and returns that time."""
    due_ms = await next_due_ms(account)
    if due_ms is not None:
        advance(account, max(0, due_ms - account.clock.now_ms()))
    return due_ms


def _notify(account: Account) -> None:
    account.engine.clock_changed()
    account.scheduler.changed()
