"""Requests that only the server of `qstash dev` understands."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import NotRequired, TypedDict

from qstash_cli.client.request import Request

# `from` is a keyword.
ClockState = TypedDict(
    "ClockState",
    {
        "time": int,
        "speed": float,
        "clock": str,
        "from": NotRequired[int],
        "target": NotRequired[int],
        "settled": NotRequired[bool],
    },
)


class Snapshot(TypedDict):
    """All data of an account, in base64."""

    snapshot: str


def clock(**actions: object) -> Request[ClockState]:
    """Returns the request that changes the clock, or reads it without an action.

    Times in the response are unix milliseconds. After a move, `target` is where the clock should
    be, and `settled` says whether all deliveries have ended.
    """
    return Request(
        method="POST",
        path="/console/api/clock",
        headers=(("Content-Type", "application/json"),),
        body=json.dumps(actions).encode(),
        response=ClockState,
    )


def reset() -> Request[None]:
    """Returns the request that empties the account."""
    return Request(method="POST", path="/console/api/reset", repeatable=True)


def save_snapshot() -> Request[Snapshot]:
    """Returns the request for a snapshot of the account."""
    return Request(
        method="POST", path="/console/api/snapshot/save", repeatable=True, response=Snapshot
    )


def load_snapshot(data: bytes) -> Request[None]:
    """Returns the request that replaces all data of the account by a snapshot."""
    return Request(
        method="POST",
        path="/console/api/snapshot/load",
        headers=(("Content-Type", "application/json"),),
        body=json.dumps({"snapshot": b64encode(data).decode()}).encode(),
        repeatable=True,
    )
