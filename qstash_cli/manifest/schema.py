"""Parses a manifest, or reports all of its problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from qstash_cli.errors import BadInput
from qstash_cli.manifest.options import read_headers
from qstash_cli.manifest.problems import Path, Problems
from qstash_cli.manifest.resources import TABLES, DesiredEndpoint, Manifest, Pin, Queue, UrlGroup
from qstash_cli.manifest.schedules import read_schedule, read_switch
from qstash_cli.manifest.validation import Validation
from qstash_cli.manifest.variables import Substitution
from qstash_cli.protocol import value_types
from qstash_cli.protocol.headers import as_defaults
from qstash_cli.protocol.ids import validate_name
from qstash_cli.protocol.value_types import ValueType

T = TypeVar("T")

QUEUE_KEYS = ("parallelism", "paused")
PIN_KEYS = ("rate", "period", "parallelism")
URL_GROUP_KEYS = ("endpoints", "headers")
ENDPOINT_KEYS = ("url", "name")
_MAX_LEVELS = 32
_WHAT = {"queues": "queue", "urlgroups": "URL group", "schedules": "schedule"}


def parse(data: bytes, source: str, env: Mapping[str, str], validation: Validation) -> Manifest:
    """Parses a manifest. `source` is the name of the file.

    Raises `BadInput` naming the file and every invalid key.
    """
    problems = Problems(source)
    substitution = Substitution(env, problems)
    document = substitution.of(_document(data, source))
    problems.raise_if_any()
    problems.secret_paths = frozenset(substitution.secret_paths)
    problems.validate_keys((), document, sorted(TABLES.values()), "a manifest")
    manifest = Manifest(
        queues=_read_kind("queues", document, problems, _queue),
        flow=_read_kind("flow", document, problems, _pin),
        urlgroups=_read_kind("urlgroups", document, problems, partial(_urlgroup, validation)),
        schedules=_read_kind("schedules", document, problems, partial(read_schedule, validation)),
    )
    problems.raise_if_any()
    if not document:
        raise BadInput(
            f"{source} is empty",
            hint=f"add at least one of the tables {', '.join(TABLES.values())}",
        )
    return replace(
        manifest,
        secrets=frozenset(substitution.secrets),
        secret_paths=frozenset(substitution.secret_paths),
    )


def _document(data: bytes, source: str) -> dict[str, Any]:
    import tomllib

    text = ""
    try:
        # Editors on Windows write a byte order mark.
        text = data.decode("utf-8-sig")
        document = tomllib.loads(text)
    except RecursionError:
        raise _too_deep(source) from None
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise BadInput(
            f"{source} is not valid UTF-8 (at line {line})", hint="save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as fault:
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        end = f"at line {line}, column {column}, end of file"
        message = str(fault).replace("at end of document", end)
        raise BadInput(
            f"{source} is not valid TOML: {message[:1].lower()}{message[1:]}",
            hint="nothing was sent",
        ) from None
    except ValueError:
        # Python rejects numbers with more than 4,300 digits.
        raise BadInput(f"{source} has a number with too many digits") from None
    if _is_too_deep(document):
        raise _too_deep(source)
    return document


def _is_too_deep(document: dict[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(_MAX_LEVELS):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
    return bool(level)


def _too_deep(source: str) -> BadInput:
    return BadInput(
        f"{source} is nested too deeply: more than {_MAX_LEVELS} levels",
        hint="a manifest has at most four levels; nothing was sent",
    )


def _read_kind(
    name: str,
    document: Mapping[str, Any],
    problems: Problems,
    read: Callable[[Mapping[str, Any], Path, Problems], T],
) -> dict[str, T] | None:
    if name not in document:
        return None
    tables = document[name]
    if not isinstance(tables, dict):
        problems.add((name,), f"expected a table such as [{name}.NAME]")
        return {}
    found = {}
    for key, table in tables.items():
        problems.validate((name, key), _validate_key, name, key)
        if isinstance(table, dict):
            found[key] = read(table, (name, key), problems)
        else:
            problems.add((name, key), f"expected a table such as [{name}.{key}]")
    return found


def _validate_key(table: str, key: str) -> None:
    if table in _WHAT:
        validate_name(key, _WHAT[table])
    elif not key.strip() or not key.isprintable():
        raise BadInput(f"invalid flow control key: {key!r}")


def _queue(table: Mapping[str, Any], path: Path, problems: Problems) -> Queue:
    problems.validate_keys(path, table, QUEUE_KEYS, "a queue")
    return Queue(
        parallelism=_number("parallelism", table, path, problems) or 1,
        paused=read_switch("paused", table, path, problems),
    )


def _pin(table: Mapping[str, Any], path: Path, problems: Problems) -> Pin:
    problems.validate_keys(path, table, PIN_KEYS, "a flow control key")
    if "rate" not in table and "parallelism" not in table:
        problems.add(path, "it pins no rate or parallelism")
    if "period" in table and "rate" not in table:
        problems.add((*path, "period"), "a period requires a rate")
    return Pin(
        parallelism=_number("parallelism", table, path, problems),
        rate=_number("rate", table, path, problems),
        period_s=_number("period", table, path, problems, value_types.PERIOD) or 1,
    )


def _number(
    key: str,
    table: Mapping[str, Any],
    path: Path,
    problems: Problems,
    kind: ValueType = value_types.POSITIVE,
) -> int | None:
    if key not in table:
        return None
    raw = table[key]
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        expected = 'a duration such as "1m"' if kind is value_types.PERIOD else "a whole number"
        problems.add((*path, key), f"expected {expected}")
        return None
    number: int | None = problems.validate((*path, key), kind.parse, str(raw))
    return number


def _urlgroup(
    validation: Validation, table: Mapping[str, Any], path: Path, problems: Problems
) -> UrlGroup:
    problems.validate_keys(path, table, URL_GROUP_KEYS, "a URL group")
    where = (*path, "endpoints")
    raw = table.get("endpoints", [])
    if not isinstance(raw, list) or not raw:
        problems.add(where, 'expected a list such as [{url = "https://example.com/a"}]')
        raw = []
    endpoints = tuple(
        found for item in raw if (found := _endpoint(item, where, problems, validation))
    )
    _reject_duplicates(endpoints, where, problems)
    headers = read_headers(table.get("headers", {}), (*path, "headers"), problems)
    return UrlGroup(endpoints=endpoints, headers=as_defaults(headers))


def _endpoint(
    raw: Any, path: Path, problems: Problems, validation: Validation
) -> DesiredEndpoint | None:
    table = {"url": raw} if isinstance(raw, str) else raw
    if not isinstance(table, dict):
        problems.add(path, 'expected an endpoint such as {url = "https://example.com/a"}')
        return None
    problems.validate_keys(path, table, ENDPOINT_KEYS, "an endpoint")
    url, name = table.get("url"), table.get("name", "")
    if not isinstance(url, str) or not isinstance(name, str):
        problems.add(path, "url and name of an endpoint must be quoted strings")
        return None
    valid_url = problems.validate(path, validation.endpoint, url.strip())
    return DesiredEndpoint(url=valid_url, name=name.strip()) if valid_url else None


def _reject_duplicates(
    endpoints: tuple[DesiredEndpoint, ...], path: Path, problems: Problems
) -> None:
    names = Counter(one.name for one in endpoints if one.name)
    for name, times in names.items():
        if times > 1:
            problems.add(path, f"two endpoints have the same name: {name!r}")
    urls = Counter(one.url for one in endpoints)
    unnamed = Counter(one.url for one in endpoints if not one.name)
    for url, times in urls.items():
        if times > 1 and unnamed[url]:
            problems.add(path, f"duplicate endpoint: {url}", "give both a name")
