"""The ids of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from qstash_cli.output.cells import TSV_ESCAPES, plain
from qstash_cli.output.columns import records_of
from qstash_cli.output.result import Record, Result, View


def ids_of(view: View, record: Record) -> Iterator[str]:
    """Yields the ids of a record, each on one line; several if it has several rows."""
    found = view.pick_id(record)
    if found is None and view.rows is not None:
        found = [view.pick_id(row) for row in view.rows(record)]
    for value in found if isinstance(found, list | tuple) else (found,):
        if not (value is None or value == ""):
            yield plain(value).translate(TSV_ESCAPES)


def noting_ids(result: Result, noted: list[str]) -> Result:
    """Returns the same result, which adds the ids of its records to `noted` on the way."""

    def records() -> Iterator[Record]:
        for record in records_of(result):
            noted.extend(ids_of(result.view, record))
            yield record

    if isinstance(result.data, Mapping | Sequence):
        # Text may be displayed instead of the records.
        noted.extend(i for record in records_of(result) for i in ids_of(result.view, record))
        return result
    return result._replace(data=records())
