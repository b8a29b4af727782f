"""A run as a step of GitHub Actions: its output, and secrets that its log must not show."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.cli.context import Invocation
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.files import append_text


def check(inv: Invocation) -> None:
    """Raises `BadInput` where `--github-output` cannot be followed."""
    if inv.automation.github_output is not None and not inv.env.get("GITHUB_OUTPUT"):
        raise BadInput(
            "--github-output: this is no step of GitHub Actions",
            hint="GITHUB_OUTPUT, which names the file, is not set; nothing was sent",
        )


def write_output(inv: Invocation, ids: Sequence[str]) -> None:
    """Gives the output that `--github-output` names these ids. Raises `BadInput`."""
    from qstash_cli.output.github import named_output
    from qstash_cli.output.safe import encodable

    name = inv.automation.github_output
    if name is None:
        return
    if any(encodable(value) != value for value in ids):
        inv.warn(
            "--github-output: a value has an unpaired surrogate, which is written as an escape"
        )
    append_text(inv.env["GITHUB_OUTPUT"], named_output(name, ids, inv.new_id("end")))


def mask(inv: Invocation, *secrets: str | None) -> None:
    """Has the runner hide secrets that are about to be shown."""
    if _is_on(inv):
        from qstash_cli.output.github import masks

        inv.err.write(masks(secrets))
        inv.err.flush()


def annotate(inv: Invocation, error: QstashError) -> None:
    """Shows an error on the summary of the run too."""
    if _is_on(inv):
        from qstash_cli.output.github import annotation

        inv.err.write(annotation(error))
        inv.err.flush()


def _is_on(inv: Invocation) -> bool:
    return inv.env.get("GITHUB_ACTIONS") == "true"
