"""GitHub Actions: step outputs, annotations, and masked secrets."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.cli.context import Context
from qstash_cli.cli.run_options import AutomationOptions
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.files import append_text


def validate_github_output(ctx: Context, options: AutomationOptions) -> None:
    """Raises `BadInput` for `--github-output` outside GitHub Actions."""
    if options.github_output is not None and not ctx.system.env.get("GITHUB_OUTPUT"):
        raise BadInput(
            "--github-output: this is not a step of GitHub Actions",
            hint="GITHUB_OUTPUT, which names the file, is not set; nothing was sent",
        )


def write_output(ctx: Context, ids: Sequence[str]) -> None:
    """Writes the ids to the output that `--github-output` names. Raises `BadInput`."""
    from qstash_cli.output.github import named_output
    from qstash_cli.output.safe import encodable

    name = ctx.options.automation.github_output
    if name is None:
        return
    if any(encodable(value) != value for value in ids):
        ctx.warn(
            "--github-output: a value has an unpaired surrogate, which is written as an escape"
        )
    append_text(ctx.system.env["GITHUB_OUTPUT"], named_output(name, ids, ctx.new_id("end")))


def mask(ctx: Context, *secrets: str | None) -> None:
    """Masks secrets in the runner's log before they are printed."""
    if _is_on(ctx):
        from qstash_cli.output.github import masks

        ctx.streams.err.write(masks(secrets))
        ctx.streams.err.flush()


def annotate(ctx: Context, error: QstashError) -> None:
    """Adds an error to the summary of the workflow run."""
    if _is_on(ctx):
        from qstash_cli.output.github import annotation

        ctx.streams.err.write(annotation(error))
        ctx.streams.err.flush()


def _is_on(ctx: Context) -> bool:
    return ctx.system.env.get("GITHUB_ACTIONS") == "true"
