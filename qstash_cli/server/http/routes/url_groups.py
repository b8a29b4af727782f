"""URL groups. Source: QStash docs, "URL groups"."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.destination import is_url, validate_url
from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.ids import validate_name
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import account_of, json_body
from qstash_cli.server.http.responses import respond
from qstash_cli.server.http.views import resources as views
from qstash_cli.server.services import url_groups
from qstash_cli.server.services.url_groups import Endpoint


async def _list(request: Request) -> Response:
    found = await url_groups.list_all(account_of(request))
    return respond([views.url_group(one) for one in found])


async def _get(request: Request) -> Response:
    found = await url_groups.get(account_of(request), request.path_params["name"])
    return respond(views.url_group(found))


async def _delete(request: Request) -> Response:
    await url_groups.delete(account_of(request), request.path_params["name"])
    return Response(status_code=200)


async def _add(request: Request) -> Response:
    name = validate_name(request.path_params["name"], "URL group")
    endpoints = await _endpoints(request)
    for endpoint in endpoints:
        if not is_url(endpoint.get("url", "")):
            raise ApiError(400, "endpoint has invalid scheme, add http:// or https://")
        validate_url(endpoint["url"])
    await url_groups.add_endpoints(account_of(request), name, endpoints)
    return Response(status_code=200)


async def _remove(request: Request) -> Response:
    endpoints = await _endpoints(request)
    await url_groups.remove_endpoints(account_of(request), request.path_params["name"], endpoints)
    return Response(status_code=200)


async def _headers(request: Request) -> Response:
    fields = await json_body(request)
    headers = _pairs(fields.get("headers") if isinstance(fields, dict) else None)
    await url_groups.set_headers(account_of(request), request.path_params["name"], headers)
    return Response(status_code=200)


def _pairs(given: Any) -> Headers:
    if not isinstance(given, dict):
        raise ApiError(400, "headers is not an object")
    return tuple(
        (name, str(value))
        for name, values in given.items()
        for value in (values if isinstance(values, list) else [values])
    )


async def _endpoints(request: Request) -> list[Endpoint]:
    fields = await json_body(request)
    given = fields.get("endpoints") if isinstance(fields, dict) else None
    if not isinstance(given, list) or not given:
        raise ApiError(400, "endpoints cannot be empty")
    for endpoint in given:
        if not isinstance(endpoint, dict) or not (endpoint.get("url") or endpoint.get("name")):
            raise ApiError(400, "an endpoint has neither url nor name")
    return [
        {key: str(endpoint[key]) for key in ("name", "url") if endpoint.get(key)}
        for endpoint in given
    ]


ROUTES = [
    Route("/v2/topics", _list, methods=["GET"]),
    Route("/v2/topics/{name}", _get, methods=["GET"]),
    Route("/v2/topics/{name}", _delete, methods=["DELETE"]),
    Route("/v2/topics/{name}", _headers, methods=["PATCH"]),
    Route("/v2/topics/{name}/endpoints", _add, methods=["POST"]),
    Route("/v2/topics/{name}/endpoints", _remove, methods=["DELETE"]),
]
