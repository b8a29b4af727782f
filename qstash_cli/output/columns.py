"""Selects the columns to display and their records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain

from qstash_cli.errors import BadInput
from qstash_cli.output.result import Column, Record, Result, View


def records_of(result: Result) -> Iterator[Record]:
    """Yields the records of a result, which may be a single one."""
    data = result.data
    return iter((data,)) if isinstance(data, Mapping) else iter(data)


def rows_of(result: Result) -> Iterator[Record]:
    """Yields the rows of the records as the records arrive."""
    rows = result.view.rows
    for record in records_of(result):
        if rows is None:
            yield record
        else:
            yield from rows(record)


def data_columns(view: View) -> tuple[Column, ...]:
    """Returns the columns of formats for programs."""
    return tuple(column for column in view.columns if column.where != "tables")


def with_columns(result: Result, names: str) -> Result:
    """Returns the result with only these columns: those of its view, or fields of its JSON.

    Raises `BadInput` for any other name, and lists the valid names.
    """
    found = {name: _column(result.view, name) for name in _split(names)}
    if any(column is None for column in found.values()):
        result, fields = _peek(result)
        found = {n: c or (Column(name=n, of=n) if n in fields else None) for n, c in found.items()}
        # Without a record, its fields are unknown.
        if fields:
            _refuse_missing(found, result.view, fields)
    columns = tuple(
        (column or Column(name=name, of=name))._replace(where="everywhere", is_optional=False)
        for name, column in found.items()
    )
    view = result.view._replace(columns=columns, keeps_empty=True)
    return result._replace(view=view, screen=None)


def with_some_columns(result: Result) -> Result:
    """Returns the result, with the fields of its first record as columns if its view has none."""
    if result.view.columns:
        return result
    result, fields = _peek(result)
    columns = tuple(Column(name=name, of=name) for name in fields)
    return result._replace(view=result.view._replace(columns=columns))


def validate_columns(names: str, view: View) -> None:
    """Raises `BadInput` for names that are neither columns nor fields of QStash's records."""
    found = {name: _column(view, name) for name in _split(names)}
    _refuse_missing(found, view, ())


def _split(names: str) -> list[str]:
    found = [name.strip() for name in names.split(",") if name.strip()]
    if not found:
        raise BadInput("--columns names no column", hint="such as --columns id,url")
    return found


def _column(view: View, name: str) -> Column | None:
    columns = view.columns
    same: tuple[Callable[[Column], bool], ...] = (
        lambda column: column.name == name,
        lambda column: column.of == name,
        lambda column: column.name.lower() == name.lower(),
    )
    for is_same in same:
        for column in columns:
            if is_same(column):
                return column._replace(name=name) if column.of == name else column
    return Column(name=name, of=name) if name in _known_fields() else None


@cache
def _known_fields() -> frozenset[str]:
    from qstash_cli.protocol.record_types import record_types

    return frozenset(chain.from_iterable(one.__annotations__ for one in record_types().values()))


def _peek(result: Result) -> tuple[Result, tuple[str, ...]]:
    if isinstance(result.data, Mapping):
        return result, _fields(result.view, result.data)
    records = iter(result.data)
    first = next(records, None)
    if first is None:
        return result._replace(data=()), ()
    return result._replace(data=chain((first,), records)), _fields(result.view, first)


def _fields(view: View, record: Record) -> tuple[str, ...]:
    if view.rows is None:
        return tuple(record) if isinstance(record, Mapping) else ()
    return tuple(next(iter(view.rows(record)), {}))


def _refuse_missing(found: dict[str, Column | None], view: View, fields: Iterable[str]) -> None:
    missing = [name for name, column in found.items() if column is None]
    if not missing:
        return
    names = dict.fromkeys(chain((column.name for column in view.columns), fields))
    raise BadInput(
        f"unknown column in --columns: {', '.join(missing)}",
        hint=f"the columns are {', '.join(names)}",
    )
