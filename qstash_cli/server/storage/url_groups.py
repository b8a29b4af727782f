"""URL groups in the store; the API calls them topics. Source: QStash docs, "URL groups"."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.errors import ApiError

Endpoint = dict[str, str]


class UrlGroup(NamedTuple):
    """A group. Each endpoint has a url and may have a name; `headers` are the group's defaults."""

    name: str
    created_ms: int
    updated_ms: int
    endpoints: tuple[Endpoint, ...]
    headers: Headers


def list_all(connection: sqlite3.Connection) -> list[UrlGroup]:
    """Returns all groups by name."""
    rows = connection.execute("SELECT * FROM topics ORDER BY name").fetchall()
    return [_group(row) for row in rows]


def find(connection: sqlite3.Connection, name: str) -> UrlGroup | None:
    """Returns the group with this name, or None."""
    row = connection.execute("SELECT * FROM topics WHERE name = ?", (name,)).fetchone()
    return _group(row) if row else None


def get(connection: sqlite3.Connection, name: str) -> UrlGroup:
    """Returns the group with this name. Raises `ApiError` if there isn't one."""
    found = find(connection, name)
    if found is None:
        raise ApiError(404, f"topic {name} not found")
    return found


def add(
    connection: sqlite3.Connection, name: str, endpoints: Sequence[Endpoint], now_ms: int
) -> None:
    """Adds endpoints, or updates those with the same name or, without a name, the same URL."""
    found = find(connection, name)
    kept = list(found.endpoints) if found else []
    for endpoint in endpoints:
        # Guess: a name identifies an endpoint; without a name the URL does.
        key = "name" if endpoint.get("name") else "url"
        same = next((i for i, e in enumerate(kept) if e.get(key) == endpoint[key]), None)
        if same is None:
            kept.append(endpoint)
        else:
            kept[same] = kept[same] | endpoint
    _write(connection, name, kept, found.headers if found else (), now_ms)


def remove_endpoints(
    connection: sqlite3.Connection, name: str, endpoints: Sequence[Endpoint], now_ms: int
) -> None:
    """Removes endpoints by name or URL. A group without endpoints is deleted.

    Raises `ApiError` if the group does not exist.
    """
    found = get(connection, name)
    kept = [
        endpoint
        for endpoint in found.endpoints
        if not any(_matches(endpoint, wanted) for wanted in endpoints)
    ]
    if kept:
        _write(connection, name, kept, found.headers, now_ms)
    else:
        delete(connection, name)


def set_headers(connection: sqlite3.Connection, name: str, headers: Headers, now_ms: int) -> None:
    """Replaces the default headers of a group. Raises `ApiError` if it does not exist."""
    _write(connection, name, get(connection, name).endpoints, headers, now_ms)


def delete(connection: sqlite3.Connection, name: str) -> None:
    """Deletes a group if it exists."""
    connection.execute("DELETE FROM topics WHERE name = ?", (name,))


def _matches(endpoint: Endpoint, wanted: Endpoint) -> bool:
    return all(endpoint.get(key) == value for key, value in wanted.items() if value)


def _write(
    connection: sqlite3.Connection,
    name: str,
    endpoints: Sequence[Endpoint],
    headers: Headers,
    now_ms: int,
) -> None:
    connection.execute(
        "INSERT INTO topics (name, created_ms, updated_ms, endpoints, headers) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        "updated_ms = excluded.updated_ms, endpoints = excluded.endpoints, "
        "headers = excluded.headers",
        (name, now_ms, now_ms, json.dumps(endpoints), json.dumps(headers)),
    )


def _group(row: sqlite3.Row) -> UrlGroup:
    return UrlGroup(
        name=row["name"],
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
        endpoints=tuple(json.loads(row["endpoints"])),
        headers=tuple((name, value) for name, value in json.loads(row["headers"])),
    )
