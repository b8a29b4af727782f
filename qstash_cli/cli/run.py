"""Runs one command line, from the arguments to the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qstash_cli import VERSION_ARGUMENTS, __version__
from qstash_cli.cli import github_actions
from qstash_cli.cli.context import Context
from qstash_cli.cli.execution import defect, result_of, result_of_error
from qstash_cli.cli.failing import fail, flush_or_discard
from qstash_cli.cli.index import INDEX
from qstash_cli.cli.options import build
from qstash_cli.cli.parser import ParsedCommand, read, with_root_options_behind
from qstash_cli.cli.run_options import AutomationOptions, ConnectionOptions, OutputOptions
from qstash_cli.cli.streams import InputFailed, StandardOutput
from qstash_cli.errors import BadInput, ExitCode, OutputFailed, QstashError, SilentExit
from qstash_cli.output.formats import validate_output
from qstash_cli.output.result import Result, View

if TYPE_CHECKING:
    from qstash_cli.output.formats import Paging


def run(argv: Sequence[str], ctx: Context) -> int:
    """Runs the command line and returns its exit code. `ctx` has no options yet."""
    try:
        parsed = _parsed(argv, ctx)
        if isinstance(parsed, ParsedCommand):
            # An error in any other option is reported in the format of these options.
            ctx = _with_output_options(ctx, parsed)
            try:
                ctx = _with_all_options(ctx, parsed)
                result = result_of(ctx, parsed)
            except QstashError as error:
                result = result_of_error(ctx, parsed, error)
            code = _finish(result, ctx)
        else:
            code = parsed
        ctx.streams.out.flush()
    except BrokenPipeError:
        code = ExitCode.DONE
    except KeyboardInterrupt:
        ctx.streams.err.write("\n")
        code = ExitCode.INTERRUPTED
    except SilentExit as end:
        code = end.exit_code
    except QstashError as error:
        code = fail(argv, ctx, error)
    except InputFailed as fault:
        code = fail(argv, ctx, BadInput(f"cannot read standard input: {fault.strerror}"))
    except Exception as fault:  # noqa: BLE001 - every exception ends with a message and an exit code
        code = fail(argv, ctx, defect(fault, ctx))
    finally:
        ctx.close()
    flush_or_discard(ctx.streams.out)
    return code


def _parsed(argv: Sequence[str], ctx: Context) -> ParsedCommand | int:
    """Returns the command on the line, or an exit code if there is no command to run."""
    if "_QSTASH_COMPLETE" in ctx.system.env:
        from qstash_cli.completion.reply import reply

        reply(ctx, INDEX)
        return ExitCode.DONE
    if list(argv) in VERSION_ARGUMENTS:
        ctx.streams.out.write(f"qstash {__version__}\n")
        return ExitCode.DONE
    line = with_root_options_behind(INDEX, _without_help_command(argv))
    parsed = _command_of(line)
    return _help_or_mistake(line) if parsed is None else parsed


def _without_help_command(argv: Sequence[str]) -> list[str]:
    """Converts `help COMMAND` to `COMMAND --help`, and returns other lines unchanged."""
    first, *rest = argv or [""]
    if first == "help" and rest and INDEX.name_of(rest[0]) is not None:
        from qstash_cli.commands.help.topics import TOPICS

        if rest[0] not in TOPICS:
            return [*rest, "--help"]
    return list(argv)


def _command_of(argv: list[str]) -> ParsedCommand | None:
    """Returns the command on the line, or None if Typer has to parse the line."""
    name = INDEX.name_of(argv[0]) if argv else None
    return None if name is None else read(INDEX.group(name), argv[1:])


def _help_or_mistake(argv: list[str]) -> ParsedCommand | int:
    """Prints the help that the line asks for, and returns its exit code.

    Typer parses any other line to report the usage error. Raises `BadInput`.
    """
    from qstash_cli.cli import typer_app
    from qstash_cli.cli.help import requested_help

    requested = requested_help(INDEX, argv)
    if requested is not None:
        typer_app.print_help(INDEX, requested.path)
        return requested.exit_code
    parsed = typer_app.run(INDEX, argv)
    return parsed if isinstance(parsed, ParsedCommand) else parsed.exit_code


def _with_output_options(ctx: Context, parsed: ParsedCommand) -> Context:
    output: OutputOptions = build(OutputOptions, parsed.values, ctx.system.now())
    return ctx.with_options(ctx.options._replace(output=output))


def _with_all_options(ctx: Context, parsed: ParsedCommand) -> Context:
    """Returns the context with the options that every command has. Raises `BadInput`."""
    command, values = parsed
    now, output = ctx.system.now(), ctx.options.output
    validate_output(output.format, output.query, output.columns, command.view)
    options = ctx.options._replace(automation=build(AutomationOptions, values, now))
    github_actions.validate_github_output(ctx, options.automation)
    if command.connects:
        _refuse_closed_output(ctx)
        options = options._replace(connection=build(ConnectionOptions, values, now))
    ctx = ctx.with_options(options)
    _validate_preview(ctx, command.view)
    return ctx


def _refuse_closed_output(ctx: Context) -> None:
    # Checked before anything is sent, since nobody would see the response.
    out = ctx.streams.out
    if isinstance(out, StandardOutput) and not out.is_open:
        raise OutputFailed("it is closed", done="nothing was sent")


def _validate_preview(ctx: Context, view: View | None) -> None:
    name = ctx.options.output.format
    if ctx.options.connection.preview is not None and view is not None and name in view.forms:
        raise BadInput(f"-o {name} cannot display a request", hint=f"remove -o {name}")


def _finish(result: Result, ctx: Context) -> int:
    """Writes a result and waits for its error; returns the exit code or raises the error."""
    try:
        rows = _write(result, ctx)
        # What is done is reported before a footer or an error that needs further requests.
        if result.error is None:
            ctx.report_done(result.confirmation)
        if result.footer is not None and (text := result.footer()):
            ctx.note(text)
        elif rows and result.view.noun is not None and not (result.live or result.done):
            ctx.report_count(rows, result.view.noun)
        final_error = result.final_error()
        if final_error is None and result.error is not None:
            ctx.report_done(result.confirmation)
    except KeyboardInterrupt:
        if result.on_interrupt is None or (error := result.on_interrupt()) is None:
            raise
        raise error from None
    if final_error is not None:
        raise final_error
    return ExitCode.DONE


def _write(result: Result, ctx: Context) -> int:
    """Renders the result, and writes its ids to `--github-output`.

    Returns the number of rows of a table.
    """
    if _is_only_confirmed(result, ctx):
        return 0
    if ctx.options.automation.github_output is None or ctx.options.connection.preview is not None:
        return _render(result, ctx)
    from qstash_cli.output.ids import noting_ids

    noted: list[str] = []
    try:
        return _render(noting_ids(result, noted), ctx)
    finally:
        github_actions.write_output(ctx, noted)


def _is_only_confirmed(result: Result, ctx: Context) -> bool:
    """Whether the sentence on a terminal has everything that the output would have."""
    output, streams = ctx.options.output, ctx.streams
    return (
        result.on_terminal == "ids"
        and isinstance(result.done, str)
        and result.done != ""
        and (output.format, output.query, output.columns) == (None, None, None)
        and streams.out_is_terminal
        and streams.err_is_terminal
        and not output.quiet
        and ctx.options.automation.github_output is None
    )


def _render(result: Result, ctx: Context) -> int:
    from qstash_cli.output.formats import render

    output, out, terminal = ctx.options.output, ctx.streams.out, ctx.out_terminal()
    rows = render(
        result,
        format=output.format,
        query=output.query,
        # The records of a preview are requests, which do not have the command's columns.
        columns=output.columns if ctx.options.connection.preview is None else None,
        out=out,
        terminal=terminal.without_width() if output.wide else terminal,
        pager=_pager(ctx),
    )
    out.flush()
    return rows


def _pager(ctx: Context) -> Paging | None:
    """Returns a function that displays long tables in the user's pager, or None without a pager."""
    if not ctx.streams.out_is_terminal or ctx.options.output.no_pager:
        return None
    from qstash_cli.cli.pager import Pager, paged, pager_command

    command = pager_command(ctx.system.env)
    pager = Pager(command, ctx.system.env, ctx.streams.lines, ctx.live_line.taken)
    return (lambda out: paged(out, pager)) if command else None
