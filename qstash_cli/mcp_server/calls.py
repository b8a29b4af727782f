"""Runs the command of a tool, and returns its result or error as JSON."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from qstash_cli.cli.context import Context
from qstash_cli.cli.execution import defect, result_of, result_of_error
from qstash_cli.cli.hints import with_connection
from qstash_cli.cli.parser import ParsedCommand
from qstash_cli.cli.run_options import AutomationOptions, OutputOptions
from qstash_cli.cli.streams import Streams
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.mcp_server.arguments import parsed
from qstash_cli.mcp_server.catalog import Tool
from qstash_cli.mcp_server.results import limited, masked
from qstash_cli.output.result import Result
from qstash_cli.output.safe import safe_text

_MAX_NOTES = 10


class Answer(NamedTuple):
    """The JSON of a call. `has_failed` if the command has no result."""

    content: dict[str, Any]
    has_failed: bool


def call(ctx: Context, tool: Tool, given: Mapping[str, Any]) -> Answer:
    """Calls a tool with the connection of the context. Raises nothing."""
    dry_run = bool(tool.entry.writes and given.get("dry_run"))
    with closing(_context_of_call(ctx, dry_run=dry_run)) as own:
        try:
            if tool.entry.writes:
                refuse_protected(own)
            return _called(own, parsed(tool, given), writes=tool.entry.writes)
        except QstashError as error:
            return Answer({"error": _error(own, error)}, has_failed=True)
        except Exception as fault:  # noqa: BLE001 - every call ends with a result or an error
            return Answer({"error": _error(own, defect(fault, own))}, has_failed=True)


def refuse_protected(ctx: Context) -> None:
    """Raises `BadInput` if the profile is protected, whose account tools may not change."""
    settings = ctx.config.settings_if_any
    if settings is not None and settings.protected:
        raise BadInput(
            f"{settings.source} is protected: its account cannot be changed over MCP",
            hint="leave out --allow-writes, or run the command in a shell; nothing was sent",
        )


def _context_of_call(ctx: Context, *, dry_run: bool) -> Context:
    """Returns a context that has no terminal, no input and no files, and writes to memory."""
    streams = Streams(
        stdin=io.BytesIO(), out=io.StringIO(), err=io.StringIO(), stdin_is_terminal=False,
        out_is_terminal=False, err_is_terminal=False, columns=80,
    )  # fmt: skip
    connection = ctx.options.connection
    options = ctx.options._replace(
        output=OutputOptions(output="json"),
        automation=AutomationOptions(no_input=True, no_config=ctx.options.automation.no_config),
        connection=replace(connection, dry_run=dry_run or connection.dry_run),
    )
    return replace(ctx, streams=streams, options=options, reads_files=False)


def _called(ctx: Context, command: ParsedCommand, *, writes: bool) -> Answer:
    try:
        result = result_of(ctx, command)
    except QstashError as error:
        result = result_of_error(ctx, command, error)
    secrets = _secrets(ctx)
    content: dict[str, Any] = {}
    if isinstance(result.data, Mapping):
        listed = limited([result.data], secrets)
        content["record"] = listed.records[0]
    else:
        listed = limited(result.data, secrets, takes_all=writes)
        content["records"] = listed.records
    if listed.cut:
        content["cut"] = listed.cut
    failure = result.final_error()
    if failure is not None and failure.message:
        content["error"] = _error(ctx, failure)
    if notes := _notes(ctx, result):
        content["notes"] = [masked(note, secrets) for note in notes]
    return Answer(content, has_failed=False)


def _notes(ctx: Context, result: Result) -> list[str]:
    footer = result.footer() if result.footer is not None else None
    err = ctx.streams.err
    lines = err.getvalue().splitlines() if isinstance(err, io.StringIO) else []
    return [*lines[:_MAX_NOTES], *([safe_text(footer)] if footer else ())]


def _secrets(ctx: Context) -> tuple[str, ...]:
    """Returns the known token and keys of the account, longest first.

    Does not fail if the configuration has none: the command may have changed the account already.
    """
    found: list[str | None] = []
    with suppress(QstashError):
        found.append(ctx.config.settings.token)
    with suppress(QstashError):
        keys = ctx.config.signing_keys
        found += (keys.current, keys.next)
    return tuple(sorted((one for one in found if one), key=len, reverse=True))


def _error(ctx: Context, error: QstashError) -> dict[str, Any]:
    secrets = _secrets(ctx)
    hint = with_connection(error.hint, ctx.options.connection) if error.hint else ""
    texts = {"code": error.code, "message": error.message, "hint": hint}
    found: dict[str, Any] = {
        name: safe_text(masked(text, secrets), keep_newlines=True) for name, text in texts.items()
    }
    return found if error.status is None else {**found, "status": error.status}
