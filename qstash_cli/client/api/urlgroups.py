"""URL groups, which the API calls topics."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qstash_cli.client.request import Request
from qstash_cli.protocol.headers import Headers, as_lists
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.records import Endpoint, EndpointReference, UrlGroup

_JSON = (("Content-Type", "application/json"),)


def list_all() -> Request[list[UrlGroup]]:
    """Returns the request for all URL groups."""
    return Request(method="GET", path="/v2/topics", response=list[UrlGroup])


def get(name: str) -> Request[UrlGroup]:
    """Returns the request for a URL group."""
    return Request(method="GET", path=_path(name), response=UrlGroup)


def add(name: str, endpoints: Sequence[Endpoint]) -> Request[None]:
    """Returns the request that adds endpoints, and creates the group if necessary."""
    body = {"endpoints": endpoints}
    return _with_body("POST", f"{_path(name)}/endpoints", body, repeatable=True)


def remove(name: str, endpoints: Iterable[EndpointReference]) -> Request[None]:
    """Returns the request that removes endpoints; removing the last one deletes the group."""
    return _with_body("DELETE", f"{_path(name)}/endpoints", {"endpoints": list(endpoints)})


def set_headers(name: str, headers: Headers) -> Request[None]:
    """Returns the request that replaces the default headers of the group."""
    body = {"headers": as_lists(headers)}
    return _with_body("PATCH", _path(name), body, repeatable=True)


def delete(name: str) -> Request[None]:
    """Returns the request that deletes a group. Published messages are still delivered."""
    # QStash responds with 200 even if the group no longer exists.
    return Request(method="DELETE", path=_path(name), repeatable=True)


def _with_body(
    method: str, path: str, body: Mapping[str, Any], *, repeatable: bool | None = None
) -> Request[None]:
    return Request(
        method=method,
        path=path,
        headers=_JSON,
        body=json.dumps(body).encode(),
        repeatable=repeatable,
    )


def _path(name: str) -> str:
    return f"/v2/topics/{validate_name(name, 'URL group')}"
