"""Calls the function of a command with the texts of its options and arguments."""

from __future__ import annotations

from qstash_cli.cli.context import Context
from qstash_cli.cli.options import build
from qstash_cli.cli.parser import ParsedCommand
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Result


def result_of(ctx: Context, parsed: ParsedCommand) -> Result:
    """Runs the command and returns its result. Raises `QstashError`."""
    command, values = parsed
    now = ctx.system.now()
    groups = {name: build(hint, values, now) for name, hint in command.option_groups.items()}
    arguments = {one.parameter: values[one.parameter] for one in command.arguments}
    return command.function(ctx, **arguments, **groups)


def result_of_error(ctx: Context, parsed: ParsedCommand, error: QstashError) -> Result:
    """Returns the command's result for an error, or raises the error if it has none."""
    result = parsed.command.on_error(ctx, error) if parsed.command.on_error else None
    if result is None:
        raise error
    return result


def defect(fault: Exception, ctx: Context) -> QstashError:
    """Returns the error for an unexpected exception.

    Omits the text of the exception, since it may contain anything, including secrets.
    """
    # The cause may be a server that is not QStash.
    doubt = ""
    if ctx.client_if_open is not None:
        doubt = f"is {ctx.config.settings.api_url} QStash's API? "
    error = QstashError(
        f"unexpected error: {type(fault).__name__}",
        hint=f"{doubt}--debug shows the traceback; please report the error",
    )
    error.__cause__ = fault
    return error
