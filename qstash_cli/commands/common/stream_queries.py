"""Queries over records that never end."""

from __future__ import annotations

from qstash_cli.cli.context import Context
from qstash_cli.errors import BadInput


def validate_query_of_stream(ctx: Context, name: str) -> None:
    """Refuses a query over all records of a list that does not end. Raises `BadInput`.

    `name` is the command or option that the list comes from.
    """
    output = ctx.options.output
    if output.query is not None and output.format != "jsonl":
        raise BadInput(
            f"{name} with --query needs -o jsonl, which applies the query to each entry",
            hint="add -o jsonl",
        )
