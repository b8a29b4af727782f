"""One run of the command line, from the arguments to the exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qstash_cli import VERSION_ARGUMENTS, __version__
from qstash_cli.cli import github_actions
from qstash_cli.cli.context import Invocation
from qstash_cli.cli.index import INDEX
from qstash_cli.cli.options import build
from qstash_cli.cli.parser import read, wants_json, with_root_options_behind
from qstash_cli.cli.registry import Command
from qstash_cli.cli.run_options import AutomationOptions, ConnectionOptions, OutputOptions
from qstash_cli.cli.streams import InputFailed, StandardOutput
from qstash_cli.errors import BadInput, ExitCode, OutputFailed, QstashError
from qstash_cli.output.formats import check
from qstash_cli.output.result import Result, View

if TYPE_CHECKING:
    from qstash_cli.cli.typer_app import HelpShown


def run(argv: Sequence[str], inv: Invocation) -> int:
    """Runs the command line and returns its exit code."""
    try:
        code = _run(argv, inv)
        inv.out.flush()
    except BrokenPipeError:
        code = ExitCode.DONE
    except KeyboardInterrupt:
        inv.err.write("\n")
        code = ExitCode.INTERRUPTED
    except QstashError as error:
        code = _fail(argv, inv, error)
    except InputFailed as fault:
        code = _fail(argv, inv, BadInput(f"cannot read standard input: {fault.strerror}"))
    except Exception as fault:  # noqa: BLE001 - whatever it is, it ends with a message and a code
        code = _fail(argv, inv, _defect(fault, inv))
    finally:
        inv.close()
    _flush_or_discard(inv)
    return code


def _defect(fault: Exception, inv: Invocation) -> QstashError:
    # What the fault says may be anything, a secret too.
    # An answer of another shape than QStash's is nobody's defect here.
    doubt = f"is {inv.settings.api_url} QStash's API? " if "client" in vars(inv) else ""
    error = QstashError(
        f"something unexpected happened: {type(fault).__name__}",
        hint=f"{doubt}--debug shows where; a report of it is welcome",
    )
    error.__cause__ = fault
    return error


def _run(argv: Sequence[str], inv: Invocation) -> int:
    if "_QSTASH_COMPLETE" in inv.env:
        from qstash_cli.completion.reply import reply

        reply(inv, INDEX)
        return ExitCode.DONE
    if list(argv) in VERSION_ARGUMENTS:
        inv.out.write(f"qstash {__version__}\n")
        return ExitCode.DONE
    result = _result(_plain(argv), inv)
    if not isinstance(result, Result):
        return result.exit_code
    try:
        return _finish(result, inv)
    except KeyboardInterrupt:
        if result.on_interrupt is None or (error := result.on_interrupt()) is None:
            raise
        raise error from None


def _finish(result: Result, inv: Invocation) -> int:
    """Writes a result and waits for its verdict; returns the exit code or raises the failure."""
    _show(result, inv)
    if result.footer is not None and (text := result.footer()):
        inv.note(text)
    failure = result.verdict() if result.verdict is not None else result.failure
    if failure is not None:
        raise failure
    return result.exit_code


def _result(argv: list[str], inv: Invocation) -> Result | HelpShown:
    """What the called command returns, or that a help text was printed instead."""
    argv = with_root_options_behind(INDEX, argv)
    name = INDEX.name_of(argv[0]) if argv else None
    if name is not None:
        found = read(INDEX.group(name), argv[1:])
        if found is not None:
            return execute(*found, inv)
    from qstash_cli.cli import typer_app

    def call(command: Command, values: Mapping[str, Any]) -> Result:
        return execute(command, values, inv)

    return typer_app.run(INDEX, argv, call)


def execute(command: Command, values: Mapping[str, Any], inv: Invocation) -> Result:
    """What a command returns, given the text of each option and argument. Raises `QstashError`."""
    try:
        return _executed(command, inv, values)
    except QstashError as error:
        result = command.on_error(inv, error) if command.on_error else None
        if result is None:
            raise
        return result


def _executed(command: Command, inv: Invocation, values: Mapping[str, Any]) -> Result:
    now = inv.now()
    # The way to show an error is known before any other option can be wrong.
    inv.output = build(OutputOptions, values, now)
    check(inv.output.format, inv.output.query, inv.output.columns, command.view)
    inv.automation = build(AutomationOptions, values, now)
    github_actions.check(inv)
    if command.connects:
        _refuse_closed_output(inv)
        inv.connection = build(ConnectionOptions, values, now)
        _check_preview(inv, command.view)
    groups = {name: build(hint, values, now) for name, hint in command.option_groups.items()}
    arguments = {one.parameter: values[one.parameter] for one in command.arguments}
    return command.function(inv, **arguments, **groups)


def _refuse_closed_output(inv: Invocation) -> None:
    # Before anything is sent whose response nobody would see.
    if isinstance(inv.out, StandardOutput) and not inv.out.is_open:
        raise OutputFailed("it is closed", done="nothing was sent")


def _check_preview(inv: Invocation, view: View | None) -> None:
    name = inv.output.format
    if inv.connection.preview is not None and view is not None and name in view.forms:
        raise BadInput(f"a request cannot be shown with -o {name}", hint=f"leave -o {name} away")


def _plain(argv: Sequence[str]) -> list[str]:
    """`help COMMAND` as `COMMAND --help`, everything else as it is."""
    first, *rest = argv or [""]
    if first == "help" and rest and INDEX.name_of(rest[0]) is not None:
        from qstash_cli.commands.help.topics import TOPICS

        if rest[0] not in TOPICS:
            return [*rest, "--help"]
    return list(argv)


def _show(result: Result, inv: Invocation) -> None:
    """Renders the result, and gives its ids to the step of GitHub Actions that wants them."""
    if inv.automation.github_output is None or inv.connection.preview is not None:
        _render(result, inv)
        return
    from qstash_cli.cli import github_actions
    from qstash_cli.output.formats import noting_ids

    noted: list[str] = []
    try:
        _render(noting_ids(result, noted), inv)
    finally:
        github_actions.write_output(inv, noted)


def _render(result: Result, inv: Invocation) -> None:
    from qstash_cli.output.formats import render

    flags = inv.output
    render(
        result,
        format=flags.format,
        query=flags.query,
        # A preview has requests in the place of the command's records.
        columns=flags.columns if inv.connection.preview is None else None,
        out=inv.out,
        look=inv.look(),
    )
    inv.out.flush()


def _fail(argv: Sequence[str], inv: Invocation, error: QstashError) -> int:
    from qstash_cli.cli.github_actions import annotate
    from qstash_cli.output.failure import write_failure

    if inv.output.debug or "--debug" in argv:
        shown = _safe_traceback(error)
        inv.err.write(inv.client.masked(shown) if "client" in vars(inv) else shown)
    as_json = inv.output.format in {"json", "jsonl"} or wants_json(INDEX, argv)
    _flush_or_discard(inv)
    write_failure(error, as_json=as_json, err=inv.err, colour=inv.look_of_stderr().colour)
    annotate(inv, error)
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


def _flush_or_discard(inv: Invocation) -> None:
    # Python flushes standard output once more at the end of the process, and then complains.
    try:
        inv.out.flush()
    except (BrokenPipeError, OutputFailed):
        if isinstance(inv.out, StandardOutput):
            inv.out.discard()
