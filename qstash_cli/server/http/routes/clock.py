"""The clock of the server, for programs. QStash has no such operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.instants import parse_instant_s
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import account_of, json_body, require_token
from qstash_cli.server.http.responses import respond
from qstash_cli.server.services import clock
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.clock import Move

_ACTIONS = frozenset({"speed", "advance", "jump", "set", "skip", "settle"})


async def _change(request: Request) -> Response:
    """Changes the clock as a JSON object says, and returns its time and speed."""
    require_token(request)
    account, wanted = account_of(request), await json_body(request)
    if not isinstance(wanted, dict):
        raise ApiError(400, "the body is not a JSON object")
    if unknown := set(wanted) - _ACTIONS:
        raise ApiError(400, f"unknown action: {min(unknown)}")
    if "speed" in wanted:
        clock.set_speed(account, _number(wanted["speed"]))
    moved: Move | None = None
    for name, action in _MOVES.items():
        if name in wanted:
            moved = await action(account, wanted)
    is_manual = account.clock.speed == 0
    response = {
        "time": account.clock.now_ms(),
        "speed": account.clock.speed,
        "clock": "manual" if is_manual else "running",
    }
    if moved is not None:
        response |= {"from": moved.from_ms, "target": moved.target_ms, "settled": moved.is_settled}
    return respond(response)


async def _advance(account: Account, wanted: Mapping[str, Any]) -> Move:
    return await clock.advance(account, parse_duration_s(str(wanted["advance"])) * 1000)


async def _jump(account: Account, wanted: Mapping[str, Any]) -> Move | None:
    if wanted["jump"] != "next":
        raise BadInput(f"not a place to jump to: {wanted['jump']!r}", hint='write "next"')
    return await clock.jump_to_next(account)


async def _set(account: Account, wanted: Mapping[str, Any]) -> Move:
    at_s = parse_instant_s(str(wanted["set"]), account.clock.now_ms() / 1000)
    return await clock.set_time(account, round(at_s * 1000), skips=wanted.get("skip") is True)


async def _settle(account: Account, _wanted: Mapping[str, Any]) -> Move:
    is_settled = await clock.settle(account)
    now_ms = account.clock.now_ms()
    return Move(now_ms, now_ms, now_ms, is_settled)


_MOVES: Mapping[str, Callable[[Account, Mapping[str, Any]], Awaitable[Move | None]]] = {
    "advance": _advance,
    "set": _set,
    "jump": _jump,
    "settle": _settle,
}


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise BadInput(f"not a number: {value!r}") from None


ROUTES = [Route("/console/api/clock", _change, methods=["POST"])]
