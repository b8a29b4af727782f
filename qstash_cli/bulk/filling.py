"""The short way from a row of JSONL to its item, where all items have one form.

It does what `record_of` does of such a row, in 1.6 us of its 2.6: a function for each row in place
of three. Whatever is not plainly right is left to `record_of`, which has the words for it; a test
holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from qstash_cli.bulk.items import Recipe, Record, record_of, scan
from qstash_cli.bulk.rows import Row
from qstash_cli.errors import BadInput

# A named tuple is made by itself in twice the time.
_new = tuple.__new__


def records_of(rows: Iterable[Row | None], recipe: Recipe) -> Iterator[Record | None]:
    """What each row stands for, and None wherever the input pauses."""
    filled = _filler(recipe)
    if filled is None:
        return (row and record_of(row, recipe) for row in rows)
    return (row and (filled(row) or record_of(row, recipe)) for row in rows)


def _filler(recipe: Recipe) -> Callable[[Row], Record | None] | None:
    """Makes the record of a row, or None of one that wants a closer look."""
    try:
        form = recipe.form if recipe.file_format == "jsonl" else None
    except BadInput:
        return None
    if form is None:
        return None
    destination, check_body = form.destination, recipe.check_body
    untyped, typed = form.untyped.encode(), form.typed.encode()
    between, tail = f'{form.between}"'.encode(), f'"{form.tail}'.encode()

    def filled(row: Row) -> Record | None:
        line, _, _, data, _, error = row
        try:
            text = data.decode()
            value, end = scan(text, 0)
            check_body(len(data))
        except (ValueError, StopIteration, RecursionError, BadInput):
            return None
        # Between the parts of JSON there may be these, which are escaped as well.
        if error or end != len(text) or "\t" in text or "\r" in text:
            return None
        head = untyped if value is None else typed
        quoted = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        item = b"".join((head, b"%d" % line, between, quoted, tail))
        return _new(Record, (row, item, destination, ""))

    return filled
