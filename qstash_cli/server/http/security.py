"""Authenticates requests.

The credentials are public, so requests from web pages are refused.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from qstash_cli.errors import QstashError
from qstash_cli.server.http.responses import refusal
from qstash_cli.server.services.accounts import Accounts

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Guard:
    """Refuses foreign origins, unknown hosts and wrong tokens; sets `request.state.account`."""

    def __init__(self, app: ASGIApp, *, host: str, accounts: Accounts) -> None:
        self._app = app
        self._hosts = _LOOPBACK | {host}
        self._is_anywhere = host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refusal(headers) or await self._sign_in(scope, headers)
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers) -> ASGIApp | None:
        if not self._knows(f"http://{headers.get('host', '')}"):
            return refusal(421, "unknown host; the server accepts the names of this machine only")
        origin = headers.get("origin")
        if origin is not None and not self._knows(origin):
            return refusal(403, "requests from other origins are refused")
        return None

    async def _sign_in(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        user = self._accounts.user(self._given_token(scope, headers))
        if user is None:
            return refusal(401, "unable to authenticate: invalid token")
        try:
            account = await self._accounts.account(user)
        except QstashError as fault:
            logging.getLogger(__name__).warning("%s: %s", user.name, fault)
            return refusal(500, str(fault))
        scope.setdefault("state", {})["account"] = account
        return None

    def _knows(self, url: str) -> bool:
        host = _host_of(url)
        return host in self._hosts or (self._is_anywhere and bool(host) and host != "null")

    def _given_token(self, scope: Scope, headers: Headers) -> bytes:
        given: str = headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if scheme.lower() == "bearer":
            return token.strip().encode("latin-1")
        query: dict[str, list[str]] = parse_qs(
            scope["query_string"].decode("ascii", errors="replace")
        )
        return query.get("qstash_token", [""])[-1].encode()


@lru_cache(maxsize=64)
def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
