"""The reference of output: the columns of each command, and the fields of QStash's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from inspect import isfunction
from pkgutil import iter_modules
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

from docs.generate.markdown import code, page, table
from qstash_cli.cli.index import INDEX
from qstash_cli.client import api
from qstash_cli.commands.common.views import LOG
from qstash_cli.commands.config.command import _LIST
from qstash_cli.commands.listen.command import _VIEW as _RECEIVED
from qstash_cli.commands.logs.mirror import MIRRORED
from qstash_cli.commands.logs.statistics import STATISTICS
from qstash_cli.commands.logs.timelines import TIMELINES
from qstash_cli.commands.verify.views import CLAIMS, VERDICTS, VIEW
from qstash_cli.output.formats import FORMATS
from qstash_cli.output.result import View
from qstash_cli.protocol.record_types import record_types

# Commands whose options select the columns.
BY_OPTION = {
    "logs": LOG._replace(forms=("otlp",)),
    "logs --by-message": TIMELINES,
    "logs --stats": STATISTICS,
    "logs --follow --to URL": MIRRORED,
    "verify": VIEW,
    "verify --claims": CLAIMS,
    "verify --jsonl FILE": VERDICTS,
    "listen": _RECEIVED,
    "config list": _LIST,
}
_TYPES = {"str": "string", "int": "number", "float": "number", "bool": "boolean"}


def output_fields() -> str:
    """Returns the page."""
    rows = [_row(name, view) for name, view in views()]
    return page(
        "Output",
        "Know which columns and JSON fields a command prints, and select those that a script "
        "needs.",
        "```sh\nqstash queue list --columns name,lag\n"
        "qstash queue list -o json --query '[?paused].name'\n```",
        f"The formats of every command are {', '.join(map(code, FORMATS))}. Select columns with "
        "`--columns`, and fields of the JSON with `--query`, a JMESPath expression.",
        "## Columns",
        "The columns of `-o tsv` and `-o csv`, in this order. Tables on a terminal omit empty "
        "columns, and have the additional columns of the last cell.",
        table(("Command", "Columns", "`-q` prints", "Other formats", "Only in tables"), rows),
        "## JSON",
        "`-o json` prints the records that QStash returns, with QStash's names; a list is an "
        "array of them. QStash omits empty fields, so only the fields marked as required are "
        "always present. Times are unix milliseconds. Types are those of TypeScript.",
        *(part for shape in _shapes() for part in _shape(shape)),
    )


def views() -> Iterator[tuple[str, View]]:
    """Yields the commands with a fixed set of columns, and these columns."""
    for name, command in INDEX.all_commands():
        if command.view is not None and command.view.columns:
            yield name, command.view
        yield from (
            (use, view)
            for use, view in BY_OPTION.items()
            if use == name or use.startswith(f"{name} --")
        )


def data_names(view: View) -> list[str]:
    """Returns the names of the columns in formats for programs."""
    return [column.name for column in view.columns if column.where != "tables"]


def _row(name: str, view: View) -> tuple[str, ...]:
    data = data_names(view)
    tables = [one.name for one in view.columns if one.where == "tables" and one.name not in data]
    return (
        code(f"qstash {name}"),
        ", ".join(map(code, data)),
        code(view.id) if isinstance(view.id, str) else "",
        ", ".join(map(code, view.forms)),
        ", ".join(map(code, dict.fromkeys(tables))),
    )


def _shapes() -> list[Any]:
    """Returns the types of QStash's records, without those of pages."""
    types = record_types()
    returned = [types[name] for name in _names_of_responses() if name in types]
    return sorted(
        (one for one in returned if not {"cursor", "messages"} <= set(one.__annotations__)),
        key=_title,
    )


def _names_of_responses() -> set[str]:
    """Returns the types that the functions of the API client declare for responses."""
    modules = (import_module(one.name) for one in iter_modules(api.__path__, f"{api.__name__}."))
    functions = (one for module in modules for one in vars(module).values() if isfunction(one))
    declared = (str(one.__annotations__.get("return", "")) for one in functions)
    return {name for text in declared for name in re.findall(r"\w+", text)} | {"Endpoint"}


def _title(shape: Any) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", shape.__name__).lower()
    title = words[0].upper() + words[1:]
    return title.replace("Dlq", "DLQ").replace("Url", "URL")


def _shape(shape: Any) -> Iterator[str]:
    yield f"### {_title(shape)}"
    yield (shape.__doc__ or "").strip()
    rows = [
        (code(name) + (" (required)" if name in shape.__required_keys__ else ""), _type(hint))
        for name, hint in get_type_hints(shape).items()
    ]
    yield table(("Field", "Type"), rows)


def _type(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(code(f'"{one}"') for one in get_args(hint))
    if isinstance(hint, UnionType):
        return " or ".join(code(_name(one)) for one in get_args(hint))
    return code(_name(hint))


def _name(hint: Any) -> str:
    """Returns the type of a value in the notation of TypeScript."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is list:
        return f"{_name(parts[0])}[]"
    if origin is dict:
        return f"Record<string, {_name(parts[1])}>"
    if isinstance(hint, UnionType):
        return " or ".join(_name(one) for one in parts)
    return "object" if is_typeddict(hint) else _TYPES[hint.__name__]
