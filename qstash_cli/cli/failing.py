"""Reports the error of a failed run and determines its exit code."""

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
    """Reports an error and returns its exit code. `ctx` has the options parsed so far."""
    from qstash_cli.output.failure import write_failure

    output, err = ctx.options.output, ctx.streams.err
    if output.debug or "--debug" in argv:
        traceback, client = _safe_traceback(error), ctx.client_if_open
        err.write(client.masked(traceback) if client is not None else traceback)
    if error.hint:
        from qstash_cli.cli.hints import with_connection

        error.hint = with_connection(error.hint, ctx.options.connection)
    as_json = output.format in {"json", "jsonl"} or wants_json(INDEX, argv)
    flush_or_discard(ctx.streams.out)
    write_failure(error, as_json=as_json, err=err, colour=ctx.err_terminal().colour)
    github_actions.annotate(ctx, error)
    return error.exit_code


def flush_or_discard(out: TextIO) -> None:
    """Flushes the stream, or drops the buffered data if standard output is closed.

    Python flushes standard output again at the end of the process, and prints an error if that
    fails.
    """
    try:
        out.flush()
    except (BrokenPipeError, OutputFailed):
        if isinstance(out, StandardOutput):
            out.discard()


def _safe_traceback(error: Exception) -> str:
    # Frames start with spaces, the sentence between two exceptions with a line feed. The other
    # lines are messages, which contain text from QStash.
    import traceback

    from qstash_cli.output.safe import safe_text

    return "".join(
        f"{safe_text(part.removesuffix(chr(10)), keep_newlines=part[0].isspace())}\n"
        for part in traceback.format_exception(error)
    )
