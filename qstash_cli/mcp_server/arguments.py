"""The arguments of a tool: their JSON Schema, and their conversion to a parsed command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qstash_cli.cli.options import CliOption
from qstash_cli.cli.parser import ParsedCommand
from qstash_cli.errors import BadInput
from qstash_cli.mcp_server.catalog import Tool
from qstash_cli.protocol.options import CALLBACK_FAMILIES

# The server itself sets the output, the connection and the answers to questions. Keys are secrets,
# and a delivery would reach this machine.
_OMITTED_SECTIONS = {
    "Output", "Automation", "Connection", "Keys", "Delivery",
    *(family.section for family in CALLBACK_FAMILIES),
}  # fmt: skip
# Waits, streams and paces take longer than a client allows, `all` has no limit, and an exit code is
# not reported.
_OMITTED = {
    "yes", "all", "wait", "wait_timeout", "pace", "is_async", "fail_if_any", "no_check",
    "no_idempotency",
}  # fmt: skip
_NUMBER = {"type": ["integer", "string"]}
_TEXT = {"type": "string"}
_DRY_RUN = "Return the requests instead of sending them"


class Parameter(NamedTuple):
    """A parameter of a tool and its JSON Schema."""

    name: str
    schema: Mapping[str, Any]
    is_required: bool = False


def parameters(tool: Tool) -> Iterator[Parameter]:
    """Yields the parameters of a tool: the arguments of its command, then the options."""
    for one in tool.command.arguments:
        if one.parameter not in tool.entry.omits:
            schema = {**_listed(_TEXT, is_list=one.is_list), "description": one.argument.help}
            yield Parameter(one.parameter, schema, one.is_required)
    for option in tool.command.options:
        if _is_offered(option, tool):
            yield Parameter(option.parameter, _schema(option))
    if tool.entry.writes:
        yield Parameter("dry_run", {"type": "boolean", "description": _DRY_RUN})


def _is_offered(option: CliOption, tool: Tool) -> bool:
    flag, name = option.flag, option.parameter
    if flag.section in _OMITTED_SECTIONS or name in _OMITTED or name in tool.entry.omits:
        return False
    return flag.metavar != "FILE" or tool.entry.is_local


def _schema(option: CliOption) -> dict[str, Any]:
    flag = option.flag
    if not flag.metavar:
        return {"type": "boolean", "description": flag.help}
    one: dict[str, Any] = dict(_NUMBER if flag.metavar == "N" else _TEXT)
    if "|" in flag.complete:
        one["enum"] = flag.complete.split("|")
    metavar = flag.metavar.strip("'")
    hint = "" if metavar in {"N", "TEXT"} else f" ({metavar})"
    return {**_listed(one, is_list=flag.repeats), "description": f"{flag.help}{hint}"}


def _listed(schema: Mapping[str, Any], *, is_list: bool) -> dict[str, Any]:
    return {"type": "array", "items": schema} if is_list else dict(schema)


def input_schema(tool: Tool) -> dict[str, Any]:
    """Returns the JSON Schema of a tool's arguments."""
    every = list(parameters(tool))
    required = [one.name for one in every if one.is_required]
    return {
        "type": "object",
        "properties": {one.name: dict(one.schema) for one in every},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def parsed(tool: Tool, given: Mapping[str, Any]) -> ParsedCommand:
    """Returns the command with the texts of a tool's arguments.

    Raises `BadInput` naming the argument that does not match the schema.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    mistake = best_match(Draft202012Validator(input_schema(tool)).iter_errors(given))
    if mistake is not None:
        where = ".".join(str(part) for part in mistake.absolute_path)
        known = ", ".join(one.name for one in parameters(tool)) or "none"
        raise BadInput(
            f"{where or 'arguments'}: {mistake.message}",
            hint=f"the arguments of {tool.entry.name} are {known}",
        )
    values: dict[str, Any] = {one.parameter: None for one in tool.command.arguments}
    for option in tool.command.options:
        values[option.parameter] = None if option.flag.metavar else False
    # Nobody can answer a prompt here: confirming a call is up to the client.
    values |= {"yes": True} if "yes" in values else {}
    values |= {name: _texts(value) for name, value in given.items() if name in values}
    return ParsedCommand(tool.command, values)


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [str(one) for one in value] or None
    return value if isinstance(value, bool) else str(value)
