"""Flow control keys: list, get, pause, resume, pin, unpin and reset them."""

from __future__ import annotations

from urllib.parse import quote

from qstash_cli.client.request import Request
from qstash_cli.errors import BadInput
from qstash_cli.protocol.records import FlowControl, GlobalParallelism


def list_all() -> Request[list[FlowControl]]:
    """Returns the request for all flow control keys."""
    return Request(method="GET", path="/v2/flowControl", response=list[FlowControl])


def get(key: str) -> Request[FlowControl]:
    """Returns the request for a flow control key."""
    return Request(method="GET", path=_path(key), response=FlowControl)


def pause(key: str) -> Request[None]:
    """Returns the request that pauses the deliveries of a key."""
    return Request(method="POST", path=f"{_path(key)}/pause", repeatable=True)


def resume(key: str) -> Request[None]:
    """Returns the request that resumes the deliveries of a key."""
    return Request(method="POST", path=f"{_path(key)}/resume", repeatable=True)


def pin(
    key: str, *, parallelism: int | None, rate: int | None, period_s: int | None
) -> Request[None]:
    """Returns the request that pins limits, so that messages cannot change them.

    None does not change a limit.
    """
    limits = (("parallelism", parallelism), ("rate", rate), ("period", period_s))
    return Request(
        method="POST",
        path=f"{_path(key)}/pin",
        query=tuple((name, str(value)) for name, value in limits if value is not None),
        repeatable=True,
    )


def unpin(key: str, *, parallelism: bool, rate: bool) -> Request[None]:
    """Returns the request that unpins limits, so that messages can change them again."""
    limits = (("parallelism", parallelism), ("rate", rate))
    return Request(
        method="POST",
        path=f"{_path(key)}/unpin",
        query=tuple((name, "true") for name, is_meant in limits if is_meant),
        repeatable=True,
    )


def reset(key: str) -> Request[None]:
    """Returns the request that starts a new rate period."""
    return Request(method="POST", path=f"{_path(key)}/resetRate")


def global_parallelism() -> Request[GlobalParallelism]:
    """Returns the request for the parallelism of the account."""
    return Request(method="GET", path="/v2/globalParallelism", response=GlobalParallelism)


def _path(key: str) -> str:
    if not key.strip() or not key.isprintable():
        raise BadInput(f"not a flow control key: {key!r}", hint="nothing was sent")
    return f"/v2/flowControl/{quote(key, safe='')}"
