"""Renders the templates of the console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from qstash_cli.server.console import text

# Scripts, styles and requests come from this server alone, and nothing may frame the page.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Without a referrer, a browser sends the forms of this page with an unknown origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("qstash_cli.server.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": text.duration,
        "iso": text.iso_time,
        "body_text": text.body_text,
    }
    return environment


Context = Callable[[Request], Awaitable[dict[str, Any]]]
Handler = Callable[[Request], Awaitable[Response]]


def handler(template: str, context: Context) -> Handler:
    """Returns a handler that renders a template: a whole page, or the live part of one."""

    async def render(request: Request) -> Response:
        return page(template, await context(request))

    return render


def page(template: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Renders a template. Every value is escaped: no template marks one as safe."""
    html = _environment().get_template(template).render(context)
    # A message may contain unpaired surrogates, which UTF-8 cannot encode.
    encoded = html.encode(errors="replace")
    return HTMLResponse(encoded, status, {**SECURITY_HEADERS, "Cache-Control": "no-store"})
