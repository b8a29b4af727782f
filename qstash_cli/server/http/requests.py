"""The parts of a request: its raw target, headers, parameters and body."""

from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.request_body import read_body
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest


def account_of(request: Request) -> Account:
    """Returns the account of the user who sent a request, which `Guard` has found by the token."""
    return cast("Account", request.state.account)


def require_token(request: Request) -> None:
    """Raises `ApiError` for a request of a browser, which is authenticated by its cookie.

    Other pages can make a browser send such requests.
    """
    if not request.headers.get("Authorization"):
        raise ApiError(401, "unable to authenticate: invalid token")


async def publish_request(request: Request, segments: int) -> PublishRequest:
    """Returns the publish in a request whose destination follows `segments` path segments."""
    account = account_of(request)
    return PublishRequest(
        destination=rest_of_path(request, segments),
        headers=headers(request),
        body=await read_body(request),
        now_ms=account.clock.now_ms(),
        caller_ip=caller_ip(request),
        limits=account.limits,
    )


def headers(request: Request) -> Headers:
    """Returns the headers of a request, followed by the options among its query parameters."""
    own = tuple((_text(name), _text(value)) for name, value in request.scope["headers"])
    if not request.scope["query_string"]:
        return own
    named = {name.lower() for name, _ in own}
    from_query = (
        (unquote_plus(name), unquote_plus(value))
        for name, _, value in (pair.partition("=") for pair in _pairs(request))
        if name.lower().startswith("upstash-")
    )
    return (*own, *((n, v) for n, v in from_query if n.lower() not in named))


def rest_of_path(request: Request, segments: int) -> str:
    """Returns the raw path after `segments` segments, with the query parameters of the destination.

    Source: QStash docs, "Publish": the path contains the destination without escaping.
    """
    raw: bytes = request.scope["raw_path"]
    parts = raw.decode("ascii", errors="replace").split("/", segments + 1)
    path = parts[segments + 1] if len(parts) > segments + 1 else ""
    query = [
        pair
        for pair in _pairs(request)
        if not pair.lower().startswith("upstash-")
        and pair.partition("=")[0].lower() != "qstash_token"
    ]
    return f"{path}?{'&'.join(query)}" if query else path


def parameters(request: Request) -> dict[str, list[str]]:
    """Returns the query parameters, except the token."""
    found: dict[str, list[str]] = {}
    query = request.scope["query_string"].decode("ascii", errors="replace")
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.lower() != "qstash_token":
            found.setdefault(name, []).append(value)
    return found


def caller_ip(request: Request) -> str:
    """Returns the IP address of the client."""
    return request.client.host if request.client else "127.0.0.1"


async def json_body(request: Request) -> Any:
    """Returns the body as JSON. Raises `ApiError` if it is not JSON."""
    return parse_json(await read_body(request))


def parse_json(data: bytes) -> Any:
    """Returns JSON. Raises `ApiError` if it is not valid."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ApiError(400, "the body is not JSON") from None


async def bulk_parameters(request: Request) -> dict[str, list[str]]:
    """Returns the parameters of a bulk operation, from the query and a JSON body.

    Raises `ApiError` for any other body, and for an empty list of ids, which in the cloud
    selects everything.
    """
    found = parameters(request)
    data = await read_body(request)
    if not data.strip():
        return found
    fields = parse_json(data)
    if not isinstance(fields, dict):
        raise ApiError(400, "the body is not a JSON object")
    return found | {name: _texts(name, value) for name, value in fields.items()}


def _texts(name: str, value: Any) -> list[str]:
    if name == "async" and isinstance(value, bool):
        return [str(value).lower()]
    values = value if isinstance(value, list) else [value]
    if not values or any(isinstance(v, dict | list | bool) or v is None for v in values):
        raise ApiError(400, f"{name} cannot be empty")
    return [str(v) for v in values]


def _pairs(request: Request) -> list[str]:
    query = request.scope["query_string"].decode("ascii", errors="replace")
    return query.split("&") if query else []


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
