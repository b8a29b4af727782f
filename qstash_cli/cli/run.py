"""One run of the command line, from the arguments to the exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qstash_cli import VERSION_ARGUMENTS, __version__
from qstash_cli.cli import github_actions
from qstash_cli.cli.context import Context
from qstash_cli.cli.index import INDEX
from qstash_cli.cli.options import build
from qstash_cli.cli.parser import read, wants_json, with_root_options_behind
from qstash_cli.cli.registry import Command
from qstash_cli.cli.run_options import AutomationOptions, ConnectionOptions, OutputOptions
from qstash_cli.cli.streams import InputFailed, StandardOutput
from qstash_cli.errors import BadInput, ExitCode, OutputFailed, QstashError
from qstash_cli.output.formats import validate_output
from qstash_cli.output.result import Result, View

if TYPE_CHECKING:
    from qstash_cli.cli.typer_app import HelpShown


def run(argv: Sequence[str], ctx: Context) -> int:
    """Runs the command line and returns its exit code."""
    try:
        code = _run(argv, ctx)
        ctx.out.flush()
    except BrokenPipeError:
        code = ExitCode.DONE
    except KeyboardInterrupt:
        ctx.err.write("\n")
        code = ExitCode.INTERRUPTED
    except QstashError as error:
        code = _fail(argv, ctx, error)
    except InputFailed as fault:
        code = _fail(argv, ctx, BadInput(f"cannot read standard input: {fault.strerror}"))
    except Exception as fault:  # noqa: BLE001 - whatever it is, it ends with a message and a code
        code = _fail(argv, ctx, _defect(fault, ctx))
    finally:
        ctx.close()
    _flush_or_discard(ctx)
    return code


def _defect(fault: Exception, ctx: Context) -> QstashError:
    # What the fault says may be anything, a secret too.
    # An answer of another shape than QStash's is nobody's defect here.
    doubt = f"is {ctx.settings.api_url} QStash's API? " if "client" in vars(ctx) else ""
    error = QstashError(
        f"something unexpected happened: {type(fault).__name__}",
        hint=f"{doubt}--debug shows where; a report of it is welcome",
    )
    error.__cause__ = fault
    return error


def _run(argv: Sequence[str], ctx: Context) -> int:
    if "_QSTASH_COMPLETE" in ctx.env:
        from qstash_cli.completion.reply import reply

        reply(ctx, INDEX)
        return ExitCode.DONE
    if list(argv) in VERSION_ARGUMENTS:
        ctx.out.write(f"qstash {__version__}\n")
        return ExitCode.DONE
    result = _result(_plain(argv), ctx)
    if not isinstance(result, Result):
        return result.exit_code
    try:
        return _finish(result, ctx)
    except KeyboardInterrupt:
        if result.on_interrupt is None or (error := result.on_interrupt()) is None:
            raise
        raise error from None


def _finish(result: Result, ctx: Context) -> int:
    """Writes a result and waits for its verdict; returns the exit code or raises the failure."""
    _show(result, ctx)
    if result.footer is not None and (text := result.footer()):
        ctx.note(text)
    failure = result.verdict() if result.verdict is not None else result.failure
    if failure is not None:
        raise failure
    return result.exit_code


def _result(argv: list[str], ctx: Context) -> Result | HelpShown:
    """What the called command returns, or that a help text was printed instead."""
    argv = with_root_options_behind(INDEX, argv)
    name = INDEX.name_of(argv[0]) if argv else None
    if name is not None:
        found = read(INDEX.group(name), argv[1:])
        if found is not None:
            return execute(*found, ctx)
    from qstash_cli.cli import typer_app

    def call(command: Command, values: Mapping[str, Any]) -> Result:
        return execute(command, values, ctx)

    return typer_app.run(INDEX, argv, call)


def execute(command: Command, values: Mapping[str, Any], ctx: Context) -> Result:
    """What a command returns, given the text of each option and argument. Raises `QstashError`."""
    try:
        return _executed(command, ctx, values)
    except QstashError as error:
        result = command.on_error(ctx, error) if command.on_error else None
        if result is None:
            raise
        return result


def _executed(command: Command, ctx: Context, values: Mapping[str, Any]) -> Result:
    now = ctx.now()
    # The way to show an error is known before any other option can be wrong.
    ctx.output = build(OutputOptions, values, now)
    validate_output(ctx.output.format, ctx.output.query, ctx.output.columns, command.view)
    ctx.automation = build(AutomationOptions, values, now)
    github_actions.validate_github_output(ctx)
    if command.connects:
        _refuse_closed_output(ctx)
        ctx.connection = build(ConnectionOptions, values, now)
        _validate_preview(ctx, command.view)
    groups = {name: build(hint, values, now) for name, hint in command.option_groups.items()}
    arguments = {one.parameter: values[one.parameter] for one in command.arguments}
    return command.function(ctx, **arguments, **groups)


def _refuse_closed_output(ctx: Context) -> None:
    # Before anything is sent whose response nobody would see.
    if isinstance(ctx.out, StandardOutput) and not ctx.out.is_open:
        raise OutputFailed("it is closed", done="nothing was sent")


def _validate_preview(ctx: Context, view: View | None) -> None:
    name = ctx.output.format
    if ctx.connection.preview is not None and view is not None and name in view.forms:
        raise BadInput(f"a request cannot be shown with -o {name}", hint=f"leave -o {name} away")


def _plain(argv: Sequence[str]) -> list[str]:
    """`help COMMAND` as `COMMAND --help`, everything else as it is."""
    first, *rest = argv or [""]
    if first == "help" and rest and INDEX.name_of(rest[0]) is not None:
        from qstash_cli.commands.help.topics import TOPICS

        if rest[0] not in TOPICS:
            return [*rest, "--help"]
    return list(argv)


def _show(result: Result, ctx: Context) -> None:
    """Renders the result, and gives its ids to the step of GitHub Actions that wants them."""
    if ctx.automation.github_output is None or ctx.connection.preview is not None:
        _render(result, ctx)
        return
    from qstash_cli.cli import github_actions
    from qstash_cli.output.formats import noting_ids

    noted: list[str] = []
    try:
        _render(noting_ids(result, noted), ctx)
    finally:
        github_actions.write_output(ctx, noted)


def _render(result: Result, ctx: Context) -> None:
    from qstash_cli.output.formats import render

    flags = ctx.output
    render(
        result,
        format=flags.format,
        query=flags.query,
        # A preview has requests in the place of the command's records.
        columns=flags.columns if ctx.connection.preview is None else None,
        out=ctx.out,
        terminal=ctx.terminal(),
    )
    ctx.out.flush()


def _fail(argv: Sequence[str], ctx: Context, error: QstashError) -> int:
    from qstash_cli.cli.github_actions import annotate
    from qstash_cli.output.failure import write_failure

    if ctx.output.debug or "--debug" in argv:
        shown = _safe_traceback(error)
        ctx.err.write(ctx.client.masked(shown) if "client" in vars(ctx) else shown)
    as_json = ctx.output.format in {"json", "jsonl"} or wants_json(INDEX, argv)
    _flush_or_discard(ctx)
    write_failure(error, as_json=as_json, err=ctx.err, colour=ctx.look_of_stderr().colour)
    annotate(ctx, error)
    return error.exit_code


def _safe_traceback(error: Exception) -> str:
    # Frames begin with blanks, the words between two faults with a line feed. What is left are the
    # messages, which hold texts of QStash.
    import traceback

    from qstash_cli.output.safe import safe_text

    return "".join(
        f"{safe_text(part.removesuffix(chr(10)), keep_newlines=part[0].isspace())}\n"
        for part in traceback.format_exception(error)
    )


def _flush_or_discard(ctx: Context) -> None:
    # Python flushes standard output once more at the end of the process, and then complains.
    try:
        ctx.out.flush()
    except (BrokenPipeError, OutputFailed):
        if isinstance(ctx.out, StandardOutput):
            ctx.out.discard()
