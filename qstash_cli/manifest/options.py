"""Message options as manifest keys, derived from the table of message options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.manifest.problems import Path, Problems
from qstash_cli.protocol import value_types
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.headers import Headers, canonical_name, parse_header
from qstash_cli.protocol.options import MessageOptions, Option
from qstash_cli.protocol.options import table as option_table
from qstash_cli.protocol.value_types import ValueType

OptionsByKey = Mapping[str, tuple[str, Option]]

FAMILIES = {"callback": "on_callback", "failure_callback": "on_failure_callback"}
_URL = "url"
_HEADERS = "headers"
_NUMBERS = (value_types.COUNT, value_types.POSITIVE, value_types.RATE, *value_types.DURATIONS)
_EXPECTED = {
    "N": "a whole number",
    "DURATION": 'a duration such as "90s", or a number of seconds',
    "LABEL": "a label, or a list of them",
    "FIELD": "body, header or header[Name], or a list of them",
    "METHOD": 'a method such as "PUT"',
    "URL": 'a URL such as "https://example.com/done"',
    "NAME": "a quoted name",
}


def own_keys() -> OptionsByKey:
    """Returns the schedule keys that are message options, with their field and definition."""
    return {
        _key(name): (name, option) for name, option in option_table() if "schedule" in option.on
    }


def callback_keys() -> OptionsByKey:
    """Returns the keys of a callback's table that are options of its own delivery."""
    return {_key(name): (name, option) for name, option in option_table() if option.callback}


def _key(name: str) -> str:
    return name.removesuffix("_s")


def read_options(table: Mapping[str, Any], path: Path, problems: Problems) -> MessageOptions:
    """Reads the options from a schedule's table. Other keys are left to the caller."""
    values = _read_values(table, own_keys(), path, problems, besides=("cron", *FAMILIES))
    for key, family in FAMILIES.items():
        if key in table:
            values |= _read_callback(key, family, table[key], (*path, key), problems)
    headers = read_headers(table.get(_HEADERS, {}), (*path, _HEADERS), problems)
    for name, _ in headers:
        if name.startswith("Upstash-"):
            problems.add(
                (*path, _HEADERS, name),
                "this is an option of QStash, not a header for the destination",
                f"use one of the keys {', '.join(own_keys())}",
            )
    return MessageOptions(**values, headers=headers)


def _read_values(
    table: Mapping[str, Any],
    keys: OptionsByKey,
    path: Path,
    problems: Problems,
    besides: tuple[str, ...],
) -> dict[str, Any]:
    values = {}
    for key, (name, option) in keys.items():
        if key in table and key not in besides:
            value = problems.validate((*path, key), _value, table[key], option.kind)
            if value is not None:
                values[name] = value
    return values


def _value(raw: Any, kind: ValueType) -> Any:
    expected = _EXPECTED.get(kind.metavar, "a quoted string")
    if kind.repeats:
        items = raw if isinstance(raw, list) else [raw]
        if not all(isinstance(item, str) for item in items):
            raise BadInput(f"expected {expected}")
        return tuple(part for item in items for part in kind.parse(item))
    is_number = isinstance(raw, int) and not isinstance(raw, bool) and kind in _NUMBERS
    if not isinstance(raw, str) and not is_number:
        raise BadInput(f"expected {expected}")
    return kind.parse(str(raw))


def _read_callback(
    key: str, family: str, raw: Any, path: Path, problems: Problems
) -> dict[str, Any]:
    table = raw if isinstance(raw, dict) else {_URL: raw}
    keys = callback_keys()
    problems.validate_keys(path, table, (_URL, *keys, _HEADERS), f"a {key.replace('_', ' ')}")
    if _URL not in table:
        problems.add(path, "missing key: url", 'add url = "https://..."')
        return {}
    where = (*path, _URL) if isinstance(raw, dict) else path
    url = problems.validate(where, _value, table[_URL], value_types.URL)
    values = _read_values(table, keys, path, problems, besides=())
    headers = read_headers(table.get(_HEADERS, {}), (*path, _HEADERS), problems)
    options = MessageOptions(**values, headers=headers)
    return {key: url, family: None if options == MessageOptions() else options}


def read_headers(table: Any, path: Path, problems: Problems) -> Headers:
    """Reads headers under canonical names; a list makes several headers of that name."""
    if not isinstance(table, dict):
        problems.add(path, 'expected a table such as {Content-Type = "application/json"}')
        return ()
    found: list[tuple[str, str]] = []
    for name, raw in table.items():
        values = raw if isinstance(raw, list) else [raw]
        if not all(isinstance(value, str) for value in values):
            problems.add((*path, name), "expected a quoted string, or a list of them")
            continue
        for value in values:
            header = problems.validate((*path, name), parse_header, f"{name}: {value}")
            if header is not None:
                found.append((canonical_name(header[0]), header[1]))
    return tuple(found)


def options_table(options: MessageOptions) -> dict[str, Any]:
    """Returns the options as keys of a schedule's table, the inverse of `read_options`."""
    found = _values_table(options, own_keys())
    for key, family in FAMILIES.items():
        of_callback: MessageOptions | None = getattr(options, family)
        if key in found and of_callback is not None:
            details = _values_table(of_callback, callback_keys())
            details |= headers_table(of_callback.headers)
            if details:
                found[key] = {_URL: found[key], **details}
    return found | headers_table(options.headers)


def _values_table(options: MessageOptions, keys: OptionsByKey) -> dict[str, Any]:
    found = {}
    for key, (name, option) in keys.items():
        value = getattr(options, name)
        if value is None or value == ():
            continue
        if option.kind in value_types.DURATIONS:
            value = format_duration(value)
        found[key] = one_or_all(value) if option.kind.repeats else value
    return found


def headers_table(headers: Headers) -> dict[str, Any]:
    """Returns a table with a `headers` key, empty if there are no headers."""
    lists: dict[str, list[str]] = {}
    for name, value in headers:
        lists.setdefault(name, []).append(value)
    return {_HEADERS: {name: one_or_all(lists[name]) for name in sorted(lists)}} if lists else {}


def one_or_all(values: tuple[str, ...] | list[str]) -> str | list[str]:
    """Returns a single string as it is, several as a list."""
    return values[0] if len(values) == 1 else list(values)
