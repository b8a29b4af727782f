"""`qstash plan`: preview what `apply` would change."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.manifests import (
    ManifestOptions,
    account_requests,
    kinds_of,
    make_plan,
    read_manifest,
)
from qstash_cli.commands.manifest.plan_view import STEPS, lines_of, record_of
from qstash_cli.errors import ExitCode, SilentExit
from qstash_cli.manifest.resources import Manifest
from qstash_cli.output.result import Result

app = group()


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """The exit code for differences."""

    check: bool = flag("Exit with 9 if there are differences")


@command(app, view=STEPS)
def plan(ctx: Context, *, source: ManifestOptions, options: PlanOptions) -> Result:
    """Preview what `apply` would change.

    A key that is missing in the manifest has its default, including `paused`. Kinds without a table
    in the manifest are not changed.

    \b
    qstash plan
    qstash plan --check --prune
    qstash export | qstash plan -f - -o json
    """
    manifest = read_manifest(ctx, source)
    kinds = kinds_of(manifest)
    later = ""
    if "schedule" in kinds and "urlgroup" not in kinds:
        later = "then GET /v2/topics if a schedule publishes to a URL group"
    return ctx.perform(
        account_requests(kinds), lambda _send: _planned(ctx, manifest, source, options), later=later
    )


def _planned(
    ctx: Context, manifest: Manifest, source: ManifestOptions, options: PlanOptions
) -> Result:
    planned = make_plan(ctx, manifest, prune=source.prune)
    records = [record_of(step, manifest) for step in planned.steps]
    width = ctx.streams.columns if ctx.streams.out_is_terminal else None
    differs = options.check and bool(records)
    return Result(
        data=records,
        view=STEPS,
        lines=lines_of(ctx, records, width),
        error=SilentExit(ExitCode.DIFFERENCES) if differs else None,
    )
