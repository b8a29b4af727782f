"""Authenticates requests.

The credentials are public, so requests from web pages are refused.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from qstash_cli.errors import QstashError
from qstash_cli.protocol.dev_credentials import Credentials
from qstash_cli.server.http.responses import refusal
from qstash_cli.server.services.accounts import Accounts

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


CONSOLE_COOKIE = "qstash_console"
_WEBHOOKS = "/v2/workflows/hooks/"


def is_console(path: str) -> bool:
    """Returns whether a path is one of the console's."""
    return path in {"/", "/console"} or path.startswith("/console/")


class Guard:
    """Refuses foreign origins, unknown hosts and wrong tokens.

    Sets `request.state.account`, and `user` with its credentials. Pages of `api_origin` may use the
    API, but not the console.
    """

    def __init__(
        self, app: ASGIApp, *, host: str, accounts: Accounts, api_origin: str | None = None
    ) -> None:
        self._app = app
        self._hosts = _LOOPBACK | {host}
        self._is_anywhere = host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
        self._accounts = accounts
        self._api_origin = api_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refusal(headers, scope["path"]) or await self._sign_in(scope, headers)
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers, path: str) -> ASGIApp | None:
        if not self._knows(f"http://{headers.get('host', '')}"):
            return refusal(421, "unknown host; the server accepts the names of this machine only")
        origin = headers.get("origin")
        if origin is not None and origin == self._api_origin and not is_console(path):
            return None
        if origin is not None and not self._knows(origin):
            return refusal(403, "requests from other origins are refused")
        return None

    async def _sign_in(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        user = self._accounts.user(self._given_token(scope, headers))
        if scope["path"].startswith(_WEBHOOKS):
            # Third parties call webhooks: the random event id in the URL is the credential.
            user = self._accounts.user_named(scope["path"].split("/")[4])
        if user is None and is_console(scope["path"]) and "authorization" not in headers:
            user = self._console_user(headers)
            if user is None:
                return None
        if user is None:
            return refusal(401, "unable to authenticate: invalid token")
        try:
            account = await self._accounts.account(user)
        except QstashError as fault:
            logging.getLogger(__name__).warning("%s: %s", user.name, fault)
            return refusal(500, str(fault))
        scope.setdefault("state", {}).update(account=account, user=user)
        return None

    def _console_user(self, headers: Headers) -> Credentials | None:
        """The user of a browser: from its cookie, or the console's if only this machine asks."""
        cookie = cookie_parser(headers.get("cookie", "")).get(CONSOLE_COOKIE)
        if cookie is not None:
            return self._accounts.user(cookie.encode())
        return self._accounts.console_user if self._hosts == _LOOPBACK else None

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
