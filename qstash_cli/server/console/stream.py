"""Server-sent events that say when a page has to be read again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from qstash_cli.server.console.rendering import SECURITY_HEADERS
from qstash_cli.server.http.requests import account_of
from qstash_cli.server.services import overview
from qstash_cli.server.services.account import Account

# A page is read again at most this often, however much happens.
_PAUSE_S = 0.25
# Proxies close a connection on which nothing is sent.
_KEEP_ALIVE_EVERY = 60


async def events(request: Request) -> Response:
    """Sends `changed` when a client connects, and after each change of the account or its clock.

    The data is the server's time and the speed of its clock, as JSON.
    """
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store"}
    stream = _changes(request, account_of(request))
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _changes(request: Request, account: Account) -> AsyncIterator[str]:
    last = (-1, -1)
    unchanged = 0
    while not (request.app.state.is_stopping() or await request.is_disconnected()):
        found = (await overview.count_changes(account), account.clock.changes)
        unchanged = 0 if found != last else unchanged + 1
        if found != last:
            last = found
            clock = {"nowMs": account.clock.now_ms(), "speed": account.clock.speed}
            yield f"event: changed\ndata: {json.dumps(clock)}\n\n"
        elif unchanged % _KEEP_ALIVE_EVERY == 0:
            yield ": keep-alive\n\n"
        await asyncio.sleep(_PAUSE_S)
