"""Writes resources as manifest tables, and a manifest as TOML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qstash_cli.manifest.options import headers_table
from qstash_cli.manifest.resources import (
    KINDS,
    TABLES,
    Manifest,
    Pin,
    Queue,
    Resource,
    Schedule,
    UrlGroup,
)
from qstash_cli.manifest.schedules import schedule_table
from qstash_cli.manifest.variables import escaped
from qstash_cli.protocol import backoff
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.headers import FORWARD


def table_of(resource: Resource) -> dict[str, Any]:
    """Returns the table of a resource without default values."""
    match resource:
        case Schedule():
            return schedule_table(resource)
        case UrlGroup():
            return _urlgroup_table(resource)
        case Queue():
            return _without(defaults_of(resource), _queue_table(resource))
        case Pin():
            return _without(defaults_of(resource), _pin_table(resource))


def defaults_of(resource: Resource) -> dict[str, Any]:
    """Returns the default values of a resource."""
    match resource:
        case Schedule(options=options):
            period = {"period": "1s"} if options.rate else {}
            usual = {"method": "POST", "retries": backoff.DEFAULT_RETRIES, "tz": "UTC"}
            return usual | {"paused": False} | period
        case UrlGroup():
            return {}
        case Queue():
            return {"parallelism": 1, "paused": False}
        case Pin(rate=rate):
            return {"period": "1s"} if rate else {}


def _without(defaults: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if defaults.get(key) != value}


def _queue_table(queue: Queue) -> dict[str, Any]:
    return {"parallelism": queue.parallelism, "paused": queue.paused}


def _pin_table(pin: Pin) -> dict[str, Any]:
    found = {
        "rate": pin.rate,
        "period": format_duration(pin.period_s) if pin.rate else None,
        "parallelism": pin.parallelism,
    }
    return {key: value for key, value in found.items() if value is not None}


def _urlgroup_table(group: UrlGroup) -> dict[str, Any]:
    endpoints = [
        {"url": one.url} | ({"name": one.name} if one.name else {})
        for one in sorted(group.endpoints, key=lambda one: (one.url, one.name))
    ]
    headers = tuple((_plain_name(name), value) for name, value in group.headers)
    return {"endpoints": endpoints, **headers_table(headers)}


def _plain_name(name: str) -> str:
    plain = name.removeprefix(FORWARD)
    return name if plain.startswith("Upstash-") else plain


def document_of(manifest: Manifest) -> dict[str, Any]:
    """Returns the manifest as nested dicts, sorted by name."""
    return {
        TABLES[kind]: {name: table_of(found[name]) for name in sorted(found)}
        for kind in KINDS
        if (found := manifest.of(kind)) is not None
    }


def to_toml(manifest: Manifest) -> str:
    """Returns the manifest as TOML. The text does not depend on the order of resources."""
    import tomli_w

    document = document_of(manifest)
    # Multi-line strings would lose carriage returns.
    return tomli_w.dumps(escaped(document), multiline_strings=not _has_returns(document))


def _has_returns(value: Any) -> bool:
    match value:
        case str():
            return "\r" in value
        case dict():
            return any(_has_returns(item) for item in value.values())
        case list():
            return any(_has_returns(item) for item in value)
    return False
