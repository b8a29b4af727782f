"""Signing in with a token, for a server that other machines can reach."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from qstash_cli.server.console import rendering
from qstash_cli.server.http.request_body import read_body
from qstash_cli.server.http.security import CONSOLE_COOKIE


async def ask(request: Request) -> Response:
    """Asks for the token. A wrong one has left a cookie that no user has."""
    was_refused = CONSOLE_COOKIE in request.cookies
    return rendering.page("sign_in.html", {"was_refused": was_refused}, 401)


async def accept(request: Request) -> Response:
    """Keeps the token in a cookie that no script can read, and opens the console."""
    fields = parse_qs((await read_body(request)).decode(errors="replace"))
    response = RedirectResponse("/", 303, rendering.SECURITY_HEADERS)
    token = fields.get("token", [""])[-1].strip()
    response.set_cookie(CONSOLE_COOKIE, token, httponly=True, samesite="strict", path="/")
    return response


async def refuse(_request: Request, error: Exception) -> Response:
    """Refuses anything else."""
    status = error.status_code if isinstance(error, HTTPException) else 401
    return rendering.page("sign_in.html", {"was_refused": False}, status)
