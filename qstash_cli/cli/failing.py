"""How a run ends that failed: one error on standard error, and its exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from qstash_cli.cli import github_actions
from qstash_cli.cli.context import Context
from qstash_cli.cli.index import INDEX
from qstash_cli.cli.parser import wants_json
from qstash_cli.cli.streams import StandardOutput
from qstash_cli.errors import OutputFailed, QstashError


def fail(argv: Sequence[str], ctx: Context, error: QstashError) -> int:
    """Reports an error and returns its exit code. `ctx` has the options that were read so far."""
    from qstash_cli.output.failure import write_failure

    output, err = ctx.options.output, ctx.streams.err
    if output.debug or "--debug" in argv:
        traceback, client = _safe_traceback(error), ctx.client_if_open
        err.write(client.masked(traceback) if client is not None else traceback)
    as_json = output.format in {"json", "jsonl"} or wants_json(INDEX, argv)
    flush_or_discard(ctx.streams.out)
    write_failure(error, as_json=as_json, err=err, colour=ctx.err_terminal().colour)
    github_actions.annotate(ctx, error)
    return error.exit_code


def defect(fault: Exception, ctx: Context) -> QstashError:
    """The error for an exception that nobody expected.

    The exception's own text is left out: it may contain anything, a secret too.
    """
    # A response of another shape than QStash's is no defect of this program.
    doubt = ""
    if ctx.client_if_open is not None:
        doubt = f"is {ctx.config.settings.api_url} QStash's API? "
    error = QstashError(
        f"something unexpected happened: {type(fault).__name__}",
        hint=f"{doubt}--debug shows where; a report of it is welcome",
    )
    error.__cause__ = fault
    return error


def flush_or_discard(out: TextIO) -> None:
    """Writes what is buffered, or drops it where standard output is gone.

    Python flushes standard output once more at the end of the process, and then complains.
    """
    try:
        out.flush()
    except (BrokenPipeError, OutputFailed):
        if isinstance(out, StandardOutput):
            out.discard()


def _safe_traceback(error: Exception) -> str:
    # Frames begin with blanks, the sentence between two exceptions with a line feed. The other
    # lines are messages, which contain texts of QStash.
    import traceback

    from qstash_cli.output.safe import safe_text

    return "".join(
        f"{safe_text(part.removesuffix(chr(10)), keep_newlines=part[0].isspace())}\n"
        for part in traceback.format_exception(error)
    )
