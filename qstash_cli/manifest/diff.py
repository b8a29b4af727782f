"""Compares desired resources with stored ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qstash_cli.manifest import marks
from qstash_cli.manifest.account import StoredSchedule
from qstash_cli.manifest.resources import Resource, Schedule
from qstash_cli.manifest.schedules import normal_cron
from qstash_cli.manifest.tables import defaults_of, table_of
from qstash_cli.protocol.options import MessageOptions

NOT_RETURNED = "(not returned by QStash)"
# Options that QStash does not return; of a callback, it returns only the URL.
_HIDDEN = "redact"
_FAMILIES = ("callback.", "failure_callback.")
_HIDDEN_OPTIONS = "hidden options"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field with its old and new value, None if not set. Headers are `headers.Name`."""

    field: str
    old: Any
    new: Any


def created(desired: Resource) -> tuple[Change, ...]:
    """Returns the fields of a new resource."""
    return tuple(Change(field=key, old=None, new=value) for key, value in _flat(table_of(desired)))


def changes(desired: Resource, stored: Resource) -> tuple[Change, ...]:
    """Returns the fields in which two resources of a kind differ, defaults included."""
    return tuple(_differences(_full(desired), _full(stored)))


def schedule_changes(desired: Schedule, stored: StoredSchedule) -> tuple[Change, ...]:
    """Returns the fields in which a schedule differs from the stored one.

    Fields that QStash does not return are compared by the digest in the stored schedule's label.
    """
    digest = marks.hidden_digest(desired.options, desired.body)
    same_hidden = stored.is_managed and stored.digest == digest
    new_fields, old_fields = _full(desired), _full(stored.schedule)
    if normal_cron(desired) == normal_cron(stored.schedule):
        for key in ("cron", "tz"):
            new_fields[key] = old_fields[key]
    if same_hidden:
        is_compared = _returned_fields(desired.options)
        new_fields, old_fields = (_only(fields, is_compared) for fields in (new_fields, old_fields))
        return tuple(_differences(new_fields, old_fields))
    old_fields |= {
        key: NOT_RETURNED for key in new_fields if _is_hidden(key) and key not in old_fields
    }
    differences = tuple(_differences(new_fields, old_fields))
    if stored.is_managed and not any(_is_hidden(change.field) for change in differences):
        return (*differences, Change(field=_HIDDEN_OPTIONS, old=NOT_RETURNED, new=None))
    return differences


def _returned_fields(options: MessageOptions) -> Callable[[str], bool]:
    """Returns a predicate for the fields that can be compared although others are hidden."""
    if not options.redact:
        return lambda key: not _is_hidden(key)
    return lambda key: not (_is_hidden(key) or key.startswith(("headers.", "body")))


def _is_hidden(key: str) -> bool:
    return key == _HIDDEN or key.startswith(_FAMILIES)


def _only(fields: Mapping[str, Any], is_included: Callable[[str], bool]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if is_included(key)}


def _full(resource: Resource) -> dict[str, Any]:
    return {**defaults_of(resource), **dict(_flat(table_of(resource)))}


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Flattens a table to dotted keys. A callback's URL and each endpoint become a key."""
    for key, value in table.items():
        path = f"{prefix}{key}"
        if key == "endpoints":
            yield from ((f"endpoint {one.get('name') or one['url']}", one["url"]) for one in value)
        elif isinstance(value, dict):
            yield from _flat(value, f"{path}.")
        else:
            yield path.removesuffix(".url"), value


def _differences(new_fields: Mapping[str, Any], old_fields: Mapping[str, Any]) -> Iterator[Change]:
    keys = dict.fromkeys((*new_fields, *old_fields))
    for key in sorted(keys, key=lambda key: not key.startswith("endpoint ")):
        old, new = old_fields.get(key), new_fields.get(key)
        if old != new:
            yield Change(field=key, old=old, new=new)


def hidden_fields(resource: Resource) -> Callable[[str], bool]:
    """Returns a predicate for the fields that must not be displayed because they are redacted."""
    redact = resource.options.redact if isinstance(resource, Schedule) else ()
    hides_headers = "header" in redact
    names = {field.partition("[")[2].rstrip("]").lower() for field in redact if "[" in field}

    def is_hidden(key: str) -> bool:
        if key.startswith("body"):
            return "body" in redact
        name = key.rpartition("headers.")[2].lower() if "headers." in key else ""
        return bool(name) and (hides_headers or name in names)

    return is_hidden
