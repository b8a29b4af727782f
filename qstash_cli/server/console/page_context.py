"""What every page of the console displays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from qstash_cli.protocol.dev_credentials import Credentials
from qstash_cli.server.console.snippets import Server, server_flags
from qstash_cli.server.services.account import Account


def base_context(request: Request) -> dict[str, Any]:
    """What every page displays: the token for writes, the user, and the server's URL."""
    account: Account | None = getattr(request.state, "account", None)
    user: Credentials | None = getattr(request.state, "user", None)
    server_url = f"{request.url.scheme}://{request.url.netloc}"
    return {
        "token": request.app.state.token,
        "user": account.name if account else "",
        "server_flags": server_flags(server_url, user),
        "clock": account.clock if account else None,
        "server_url": server_url,
        "path": request.url.path,
    }


def server_of(context: Mapping[str, Any]) -> Server:
    """Returns the server that the commands on a page use."""
    return Server(context["server_url"], context["server_flags"])
