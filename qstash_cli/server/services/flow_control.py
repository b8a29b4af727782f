"""Flow control keys. Source: QStash docs, "Flow control"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from qstash_cli.server.delivery.flow_control import Flow
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import flow_limits


class FlowState(NamedTuple):
    """A flow control key: its limits, and what counts against them now. Times are in ms."""

    key: str
    waiting: int
    parallelism: int
    active: int
    rate: int
    used: int
    period_s: int
    started_ms: int
    is_paused: bool
    pins_parallelism: bool
    pins_rate: bool


def list_all(account: Account, search: str) -> list[FlowState]:
    """Returns the keys that contain a text, by name."""
    return [_state(account, flow) for flow in account.engine.flows if search in flow.key]


def get(account: Account, key: str) -> FlowState:
    """Returns the key with this name. Raises `ApiError` if no message has used it."""
    return _state(account, _flow(account, key))


async def pause(account: Account, key: str, *, is_paused: bool) -> None:
    """Pauses or resumes a key, which is created if it does not exist."""
    await _change(account, key, {"is_paused": int(is_paused)})


async def pin(
    account: Account, key: str, *, parallelism: int | None, rate: int | None, period_s: int | None
) -> None:
    """Sets limits that messages cannot change; None leaves a limit unchanged."""
    values: dict[str, int] = {}
    if parallelism is not None:
        values |= {"parallelism": parallelism, "pins_parallelism": 1}
    if rate is not None or period_s is not None:
        values |= {"pins_rate": 1}
        values |= {} if rate is None else {"rate": rate}
        values |= {} if period_s is None else {"period_s": period_s}
    await _change(account, key, values)


async def unpin(account: Account, key: str, *, parallelism: bool, rate: bool) -> None:
    """Lets messages change the limits of a key again."""
    values = {"pins_parallelism": 0} if parallelism else {}
    values |= {"pins_rate": 0} if rate else {}
    await _change(account, key, values)


async def reset_rate(account: Account, key: str) -> None:
    """Begins a new rate period. Raises `ApiError` if no message has used the key."""
    _flow(account, key).restart_period(account.clock.now_ms())
    await _change(account, key, {})


def global_parallelism(account: Account) -> tuple[int, int]:
    """Returns the limit of deliveries in flight, and their number now."""
    return account.limits.global_parallelism, account.engine.in_flight


def _flow(account: Account, key: str) -> Flow:
    found = account.engine.flow(key)
    if found is None:
        raise ApiError(404, f"flow control key {key} not found")
    return found


async def _change(account: Account, key: str, values: Mapping[str, int]) -> None:
    limits = await account.store.run(lambda connection: flow_limits.change(connection, key, values))
    account.engine.set_flow(limits)


def _state(account: Account, flow: Flow) -> FlowState:
    return FlowState(
        key=flow.key,
        waiting=flow.waiting,
        parallelism=flow.parallelism,
        active=flow.active,
        rate=flow.rate,
        used=flow.used(account.clock.now_ms()),
        period_s=flow.period_s,
        started_ms=flow.started_ms,
        is_paused=flow.is_paused,
        pins_parallelism=flow.pins_parallelism,
        pins_rate=flow.pins_rate,
    )
