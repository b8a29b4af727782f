"""URL groups in the store; the API calls them topics. Source: QStash docs, "URL groups"."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.errors import ApiError

Endpoint = dict[str, str]


class Topic(NamedTuple):
    """A group: `endpoints` have a url and may have a name, `headers` are defaults of publishes."""

    name: str
    created_ms: int
    updated_ms: int
    endpoints: tuple[Endpoint, ...]
    headers: Headers

    def as_json(self) -> dict[str, Any]:
        """The group as QStash's JSON."""
        headers: dict[str, list[str]] = {}
        for name, value in self.headers:
            headers.setdefault(name, []).append(value)
        shown = {
            "createdAt": self.created_ms,
            "updatedAt": self.updated_ms,
            "name": self.name,
            "endpoints": list(self.endpoints),
        }
        return shown | ({"headers": headers} if headers else {})


def list_all(connection: sqlite3.Connection) -> list[Topic]:
    """All groups by name."""
    rows = connection.execute("SELECT * FROM topics ORDER BY name").fetchall()
    return [_topic(row) for row in rows]


def find(connection: sqlite3.Connection, name: str) -> Topic | None:
    """The group of that name, None if there is none."""
    row = connection.execute("SELECT * FROM topics WHERE name = ?", (name,)).fetchone()
    return _topic(row) if row else None


def get(connection: sqlite3.Connection, name: str) -> Topic:
    """The group of that name. Raises `ApiError` if there is none."""
    found = find(connection, name)
    if found is None:
        raise ApiError(404, f"topic {name} not found")
    return found


def add(
    connection: sqlite3.Connection, name: str, endpoints: Sequence[Endpoint], now_ms: int
) -> None:
    """Adds endpoints, or changes those of the same name or, without a name, URL."""
    found = find(connection, name)
    kept = list(found.endpoints) if found else []
    for endpoint in endpoints:
        # Guess: a name says which one is meant; without one the URL does.
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
    """Takes endpoints out by name or URL; the last one takes the group with it."""
    found = get(connection, name)
    kept = [
        endpoint
        for endpoint in found.endpoints
        if not any(_is_meant(endpoint, meant) for meant in endpoints)
    ]
    if kept:
        _write(connection, name, kept, found.headers, now_ms)
    else:
        delete(connection, name)


def set_headers(connection: sqlite3.Connection, name: str, headers: Headers, now_ms: int) -> None:
    """Gives a group other default headers."""
    _write(connection, name, get(connection, name).endpoints, headers, now_ms)


def delete(connection: sqlite3.Connection, name: str) -> None:
    """Deletes a group if there is one."""
    connection.execute("DELETE FROM topics WHERE name = ?", (name,))


def _is_meant(endpoint: Endpoint, meant: Endpoint) -> bool:
    return all(endpoint.get(key) == value for key, value in meant.items() if value)


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


def _topic(row: sqlite3.Row) -> Topic:
    return Topic(
        name=row["name"],
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
        endpoints=tuple(json.loads(row["endpoints"])),
        headers=tuple((name, value) for name, value in json.loads(row["headers"])),
    )
