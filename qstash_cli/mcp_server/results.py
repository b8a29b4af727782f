"""Results of tools: JSON of limited size, without secrets, in which foreign text is marked.

A field whose text comes from a publisher or an endpoint becomes `{"untrusted": ...}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from qstash_cli.output.json_text import compact
from qstash_cli.output.safe import safe_text
from qstash_cli.protocol.headers import names_a_secret
from qstash_cli.protocol.message_details import logged_body

MASK = "…"
MAX_RECORDS = 50
MAX_CHARACTERS = 24_000
_UNTRUSTED_PARTS = ("body", "header", "response", "payload", "claims")
# `out` is the result of a workflow step.
_UNTRUSTED_NAMES = frozenset({"error", "found", "out"})


class Detail(NamedTuple):
    """The limits of one record: characters of a text, and items of a list."""

    characters: int
    items: int


_DETAILS = (Detail(2000, 50), Detail(400, 20), Detail(120, 5), Detail(40, 2))


class Listed(NamedTuple):
    """Records within the limits, and sentences that say what was cut."""

    records: list[Any]
    cut: list[str]


class Cutter:
    """Copies JSON values within limits, and marks foreign text. `has_cut` if it left out any."""

    def __init__(self, detail: Detail, secrets: Sequence[str]) -> None:
        self._detail = detail
        self._secrets = secrets
        self.has_cut = False

    def record(self, value: Any, name: str = "") -> Any:
        """Returns the copy of a value that has this name."""
        is_foreign = name in _UNTRUSTED_NAMES or any(
            part in name.lower() for part in _UNTRUSTED_PARTS
        )
        if is_foreign and isinstance(value, str | Mapping | list) and value:
            return {"untrusted": self._plain(value)}
        if isinstance(value, Mapping):
            fields = {str(key): _readable(value, str(key)) for key in value}
            return {self._text(key): self.record(one, key) for key, one in fields.items()}
        if isinstance(value, list | tuple):
            return [self.record(one) for one in self._some(value)]
        return self._text(value) if isinstance(value, str) else value

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            some = self._some(list(value.items()))
            return {
                self._text(str(key)): MASK if names_a_secret(str(key)) else self._plain(one)
                for key, one in some
            }
        if isinstance(value, list | tuple):
            return [self._plain(one) for one in self._some(value)]
        return self._text(value) if isinstance(value, str) else value

    def _some(self, values: Sequence[Any]) -> Sequence[Any]:
        self.has_cut |= len(values) > self._detail.items
        return values[: self._detail.items]

    def _text(self, text: str) -> str:
        text = masked(text, self._secrets)
        more = len(text) - self._detail.characters
        if more > 0:
            self.has_cut = True
            text = f"{text[: self._detail.characters]}… ({more} more characters)"
        return safe_text(text, keep_newlines=True)


def _readable(record: Mapping[str, Any], name: str) -> Any:
    """Returns a field of a record, with base64 decoded, in which no secret could be found."""
    value = record[name]
    is_logged = name in {"body", "responseBody"} and {"time", "state"} <= record.keys()
    if not isinstance(value, str) or not (is_logged or name.endswith("Base64")):
        return value
    return logged_body(record, name).data.decode("utf-8", "backslashreplace")


def masked(text: str, secrets: Iterable[str]) -> str:
    """Returns the text without the secrets."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def limited(
    records: Iterable[Mapping[str, Any]], secrets: Sequence[str], *, takes_all: bool = False
) -> Listed:
    """Returns the first records within the limits. Raises what the iterable raises.

    With `takes_all`, also takes the other records, since a write is sent when its record is taken.
    """
    rest = iter(records)
    kept: list[Any] = []
    cut: list[str] = []
    size = others = 0
    for found in islice(rest, MAX_RECORDS):
        record, was_cut = _cut(found, secrets, MAX_CHARACTERS)
        size += len(compact(record))
        if kept and size > MAX_CHARACTERS:
            others = 1
            break
        kept.append(record)
        if was_cut:
            cut.append(f"record {len(kept)}: long texts and lists are cut")
    if takes_all:
        others += sum(1 for _ in rest)
    elif not others:
        others = sum(1 for _ in islice(rest, 1))
    if others:
        cut.append(_remark(len(kept), total=len(kept) + others if takes_all else None))
    return Listed(kept, cut)


def _remark(count: int, *, total: int | None) -> str:
    if total is not None:
        return f"only the first {count} of {total} records are here"
    return f"only the first {count} records are here; narrow the filters for others"


def _cut(record: Mapping[str, Any], secrets: Sequence[str], limit: int) -> tuple[Any, bool]:
    """Returns a record with as much detail as the limit allows, and whether anything is missing."""
    # Mappings of libraries become JSON's own types.
    plain = json.loads(compact(record))
    for detail in _DETAILS:
        cutter = Cutter(detail, secrets)
        found = cutter.record(plain)
        if len(compact(found)) <= limit:
            return found, cutter.has_cut
    return {"omitted": "the record is too large"}, True
