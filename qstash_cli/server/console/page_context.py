"""What every page of the console displays."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from qstash_cli.server.services.account import Account


def base_context(request: Request) -> dict[str, Any]:
    """What every page displays: the token for writes, the user, and the server's URL."""
    account: Account | None = getattr(request.state, "account", None)
    return {
        "token": request.app.state.token,
        "user": account.name if account else "",
        "clock": account.clock if account else None,
        "server_url": f"{request.url.scheme}://{request.url.netloc}",
        "path": request.url.path,
    }
