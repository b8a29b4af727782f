"""The result of a query, as text and as records for formats with rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.output.cells import TSV_ESCAPES, plain
from qstash_cli.output.result import Column, Record, Result, View

# The column of a value that is neither an object nor a list.
_VALUE = "value"


def queried_text(found: Any) -> Iterator[str]:
    """Yields what `-o text` prints, in pieces: a value as it is, or one line per item of a list.

    Objects and lists in a list are rows of tab-separated values, and null is an empty line.
    """
    if not isinstance(found, Mapping | list):
        text = plain(found)
        yield text if text.endswith("\n") else f"{text}\n"
        return
    for one in found if isinstance(found, list) else [found]:
        yield "\t".join(plain(value).translate(TSV_ESCAPES) for value in _values(one)) + "\n"


def _values(item: Any) -> Iterable[Any]:
    if isinstance(item, Mapping):
        return item.values()
    return item if isinstance(item, list) else (item,)


def queried_result(found: Any, view: View, *, as_ids: bool) -> Result:
    """Returns the query's result as records, an item of a list each.

    Its columns are the fields of the objects. `view` has the field that contains an object's id.
    Raises `BadInput` if `as_ids` is set and the records have no id.
    """
    items = found if isinstance(found, list) else [] if found is None else [found]
    records = [_record(item) for item in items]
    names = dict.fromkeys(chain.from_iterable(records))
    queried = View(
        columns=tuple(Column(name=name, of=name) for name in names),
        id=lambda record: _id_of(record, view),
        empty="the query found nothing",
        keeps_empty=True,
    )
    if as_ids and records and all(queried.pick_id(record) is None for record in records):
        raise BadInput(
            "the result of --query has no ids", hint="select them: --query '[].messageId'"
        )
    data = records[0] if isinstance(found, Mapping) else records
    return Result(data=data, view=queried)


def _record(item: Any) -> Record:
    if isinstance(item, Mapping):
        return item
    if isinstance(item, list):
        return {f"column{number}": value for number, value in enumerate(item, 1)}
    return {_VALUE: item}


def _id_of(record: Record, view: View) -> Any:
    try:
        found = view.pick_id(record)
    except (KeyError, TypeError, AttributeError):
        # The query selected other fields than those that the id is made of.
        found = None
    return record.get(_VALUE) if found is None else found
