"""The server's clock: its time, its speed, and moves to another time.

A clock that runs jumps: what is due in the meantime happens afterwards, and a schedule that missed
several times fires once. A manual clock stops at each time at which something is due, and waits for
the deliveries, so that everything happens in order and at its own time.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from qstash_cli.errors import BadInput
from qstash_cli.server.clock import ManualClock
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.schedules import NEVER_MS
from qstash_cli.server.storage import activity, logs, schedules
from qstash_cli.server.storage.store import Connection

MAX_SPEED = 1_000_000.0
# Real seconds. The whole move takes less than a client waits for a response. A destination that
# does not respond keeps the clock waiting until nothing has happened for the time of `_PATIENCE_S`.
MAX_MOVE_S = 45.0
_PATIENCE_S = 10.0
_POLL_S = 0.001
_BACK = "times that have passed stay in the log; `qstash dev --clock manual` can be set back"


class Move(NamedTuple):
    """The result of a move: where the clock was and is, and whether all deliveries have ended.

    A move that takes too long ends early, at a time before `target_ms`.
    """

    from_ms: int
    to_ms: int
    target_ms: int
    is_settled: bool


def set_speed(account: Account, speed: float) -> None:
    """Changes how fast the clock runs. Raises `BadInput` for a speed that is not positive."""
    if isinstance(account.clock, ManualClock):
        raise BadInput("the clock is manual", hint="start the server without --clock manual")
    if not 0 < speed <= MAX_SPEED:
        raise BadInput(f"not a speed between 0 and {MAX_SPEED:,.0f}: {speed:g}")
    account.clock.set_speed(speed)
    _notify(account)


async def advance(account: Account, milliseconds: int) -> Move:
    """Moves the clock forward. Raises `BadInput` for a negative duration."""
    if milliseconds < 0:
        raise BadInput("the clock cannot be set back", hint=_BACK)
    async with account.clock_lock:
        return await _move(account, account.clock.now_ms() + milliseconds)


async def set_time(account: Account, at_ms: int, *, skips: bool = False) -> Move:
    """Moves the clock to a time.

    With `skips`, or when a manual clock is set back, no schedule fires for the times in between.
    Raises `BadInput` if a clock that runs would be set back.
    """
    async with account.clock_lock:
        now_ms, clock = account.clock.now_ms(), account.clock
        if at_ms >= now_ms and not skips:
            return await _move(account, at_ms)
        if not isinstance(clock, ManualClock):
            raise BadInput("only a manual clock skips times or is set back", hint=_BACK)
        await account.scheduler.restart_from(at_ms, lambda: clock.set(at_ms))
        _notify(account)
        is_settled = await _settled(account, MAX_MOVE_S)
        return Move(now_ms, at_ms, at_ms, is_settled)


async def settle(account: Account) -> bool:
    """Waits until nothing happens any more at this time. Returns whether that is so."""
    async with account.clock_lock:
        return await _settled(account, MAX_MOVE_S)


async def next_due_ms(account: Account) -> int | None:
    """Returns when the next message or schedule is due, None if nothing waits."""
    now_ms = account.clock.now_ms()

    def read(connection: Connection) -> list[int]:
        times = [one.due_ms for one in activity.list_next(connection, now_ms)[:1]]
        fires_ms = schedules.next_due_ms(connection)
        return [*times, *([fires_ms] if fires_ms and now_ms < fires_ms < NEVER_MS else ())]

    return min(await account.store.run(read), default=None)


async def jump_to_next(account: Account) -> Move | None:
    """Moves the clock to when the next message or schedule is due; None if nothing is."""
    async with account.clock_lock:
        if isinstance(account.clock, ManualClock):
            await _settled(account, MAX_MOVE_S)
            due_ms = _next_ms(account)
        else:
            due_ms = await next_due_ms(account)
        if due_ms is None:
            return None
        return await _move(account, max(due_ms, account.clock.now_ms()))


async def _move(account: Account, target_ms: int) -> Move:
    """Moves forward to `target_ms`; a manual clock stops on the way."""
    clock, from_ms = account.clock, account.clock.now_ms()
    if not isinstance(clock, ManualClock):
        clock.advance(target_ms - from_ms)
        _notify(account)
        return Move(from_ms, target_ms, target_ms, is_settled=False)
    ends_at_s = _real_s() + MAX_MOVE_S
    is_settled = await _settled(account, MAX_MOVE_S)
    while clock.now_ms() < target_ms and (left_s := ends_at_s - _real_s()) > 0:
        due_ms = _next_ms(account)
        clock.set(target_ms if due_ms is None else min(due_ms, target_ms))
        _notify(account)
        is_settled = await _settled(account, left_s)
    return Move(from_ms, clock.now_ms(), target_ms, is_settled)


def _next_ms(account: Account) -> int | None:
    """Returns when something is due after now."""
    now_ms = account.clock.now_ms()
    times = (account.engine.next_ms, account.scheduler.next_ms)
    return min((at for at in times if at is not None and now_ms < at < NEVER_MS), default=None)


async def _settled(account: Account, within_s: float) -> bool:
    """Waits until nothing happens any more. Returns whether that is so.

    As in the real world, time passes although a destination does not respond.
    """
    engine, store = account.engine, account.store
    started_s = checked_s = _real_s()
    seq = await store.run(logs.last_seq)
    while not (engine.is_idle and account.scheduler.is_idle):
        now_s = _real_s()
        if now_s > started_s + within_s:
            return False
        if now_s > checked_s + _PATIENCE_S:
            checked_s, before, seq = now_s, seq, await store.run(logs.last_seq)
            if seq == before:
                return False
        await asyncio.sleep(_POLL_S)
    return True


def _real_s() -> float:
    return asyncio.get_running_loop().time()


def _notify(account: Account) -> None:
    account.engine.clock_changed()
    account.scheduler.changed()
