"""`qstash dev clock`: moves the clock of a running server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from qstash_cli.cli.context import Context
from qstash_cli.client.api import local_server
from qstash_cli.client.api.local_server import ClockState
from qstash_cli.commands.dev.running_server import of_running_server
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.instants import parse_instant_s

CLOCK = View(
    columns=(
        Column(name="time", of="time", format="instant_ms"),
        Column(name="clock", of="clock"),
        Column(name="speed", of="speed"),
        Column(name="settled", of="settled", format="flag"),
    ),
    id="time",
)
ACTIONS = ("advance", "jump-to-next", "set")
_USAGE = "advance 1h, jump-to-next, or set 2026-03-29T02:00:00Z"
_Actions = Mapping[str, object]


def change(ctx: Context, action: str | None, value: str | None, *, skips: bool) -> Result:
    """Returns the result of an action, or the state of the clock without one. Raises `BadInput`."""
    actions = _actions(ctx, action, value)
    if skips and action != "set":
        raise BadInput("--skip is only for set")
    with of_running_server(ctx) as local:
        request = local_server.clock(**actions, **({"skip": True} if skips else {}))
        return local.write(request, lambda state: _result(ctx, state))


def _actions(ctx: Context, action: str | None, value: str | None) -> _Actions:
    if action is None:
        return {}
    if action not in ACTIONS:
        raise BadInput(f"unknown action: {action!r}", hint=f"write {_USAGE}")
    if action == "jump-to-next":
        if value is not None:
            raise BadInput(f"jump-to-next takes no value: {value!r}")
        return {"jump": "next"}
    if value is None:
        raise BadInput(f"{action} needs a value", hint=f"write {_USAGE}")
    _VALIDATE[action](value, ctx.system.now())
    return {action: value}


_VALIDATE: Mapping[str, Callable[[str, float], float]] = {
    "advance": lambda text, _now: parse_duration_s(text),
    "set": parse_instant_s,
}


def _result(ctx: Context, state: ClockState) -> Result:
    target_ms, is_manual = state.get("target"), state["clock"] == "manual"
    error = None
    if target_ms is not None and is_manual:
        if state["time"] < target_ms:
            error = QstashError(
                f"the clock stopped at {_iso(state['time'])}: the deliveries take too long",
                hint=f"to continue, run `qstash dev clock set {_iso(target_ms)}`",
            )
        elif not state.get("settled"):
            ctx.warn("some deliveries have not ended yet")
    done = "" if target_ms is None else f"Moved the clock to {_iso(state['time'])}"
    return Result(data=state, view=CLOCK, done=done, error=error)


def _iso(at_ms: int) -> str:
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
