"""Checks whether the endpoints of a URL group respond."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from qstash_cli.protocol.endpoint_health import is_alive
from qstash_cli.server.delivery.http_attempt import AttemptResponse, Deliverer
from qstash_cli.server.services import url_groups
from qstash_cli.server.services.account import Account

_CONCURRENCY = 10
_TIMEOUT_S = 5.0
_TOTAL_TIMEOUT_S = 20.0
# HEAD costs an endpoint least; some refuse it.
_METHODS = ("HEAD", "GET")


class EndpointCheck(NamedTuple):
    """What an endpoint responded, and how long that took; without a response, `error` says why."""

    url: str
    name: str
    is_alive: bool
    status: int
    error: str
    took_ms: float


async def check(account: Account, name: str) -> list[EndpointCheck]:
    """Requests every endpoint of a group as deliveries do, by the same routes, but unsigned.

    Returns within 20 seconds. Raises `ApiError` if the group does not exist.
    """
    group = await url_groups.get(account, name)
    started_s = time.perf_counter()
    turns = asyncio.Semaphore(_CONCURRENCY)

    async def checked(endpoint: url_groups.Endpoint) -> EndpointCheck:
        async with turns:
            left_s = _TOTAL_TIMEOUT_S - (time.perf_counter() - started_s)
            return await _check(account.deliverer, endpoint, left_s)

    return list(await asyncio.gather(*(checked(one) for one in group.endpoints)))


async def _check(
    deliverer: Deliverer, endpoint: url_groups.Endpoint, left_s: float
) -> EndpointCheck:
    response = AttemptResponse(error="not checked: the others took too long")
    url, started_s = endpoint["url"], time.perf_counter()
    for method in _METHODS:
        timeout_s = min(_TIMEOUT_S, left_s - (time.perf_counter() - started_s))
        if timeout_s <= 0 or is_alive(response.status):
            break
        response = await deliverer.deliver(
            method=method, url=url, headers=(), body=b"", timeout_s=round(timeout_s, 1)
        )
    return EndpointCheck(
        url=url,
        name=endpoint.get("name", ""),
        is_alive=is_alive(response.status),
        status=response.status,
        error=response.error,
        took_ms=(time.perf_counter() - started_s) * 1000,
    )
