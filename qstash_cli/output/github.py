"""Output for the runner of GitHub Actions. Source: GitHub docs, "Workflow commands"."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.errors import QstashError
from qstash_cli.output.safe import encodable, safe_text

_IN_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})


def annotation(error: QstashError) -> str:
    """Returns the line that adds an error to the step and to the summary of the run."""
    text = safe_text(error.message, keep_newlines=error.has_lines)
    if error.hint:
        text += f"\nhint: {safe_text(error.hint)}"
    return f"::error title=qstash::{text.translate(_IN_MESSAGE)}\n"


def masks(secrets: Sequence[str | None]) -> str:
    """Returns lines that make the runner replace these secrets with `***`."""
    return "".join(f"::add-mask::{one.translate(_IN_MESSAGE)}\n" for one in secrets if one)


def named_output(name: str, values: Sequence[str], delimiter: str) -> str:
    """Returns the lines that set a step's output; several values are on a line each.

    No value may equal `delimiter`. Unpaired surrogates, which a file cannot contain, become
    escapes.
    """
    values = [encodable(value) for value in values]
    if len(values) == 1:
        return f"{name}={values[0]}\n"
    return "\n".join([f"{name}<<{delimiter}", *values, delimiter, ""])
