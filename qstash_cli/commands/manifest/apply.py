"""`qstash apply`: apply a manifest to the account."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.context import Context
from qstash_cli.cli.exchanges import Send
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.confirm_options import ConfirmOptions
from qstash_cli.commands.common.manifests import (
    DONE,
    ManifestOptions,
    counted,
    make_plan,
    read_manifest,
)
from qstash_cli.commands.manifest.plan_view import (
    APPLIED,
    STEPS,
    StepRecord,
    concealed_requests,
    record_of,
    show,
)
from qstash_cli.errors import PartlyDone, QstashError
from qstash_cli.manifest.resources import Manifest
from qstash_cli.manifest.steps import Step
from qstash_cli.output.result import Result
from qstash_cli.protocol.numbers import amount

app = group()

_MAX_NAMED = 10


@dataclass
class _Progress:
    """The progress of the steps."""

    steps: tuple[Step, ...]
    done: int = 0
    requests: int = 0

    @property
    def left(self) -> str:
        """The steps that are not finished."""
        names = [str(s) for s in self.steps[self.done :]]
        more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
        return ", ".join(names[:_MAX_NAMED]) + more


@command(app, view=APPLIED)
def apply(ctx: Context, *, source: ManifestOptions, confirm: ConfirmOptions) -> Result:
    """Apply a manifest to the account: schedules, URL groups, queues and pins.

    Prints the plan and asks for confirmation. Removes resources only with --prune, and only
    schedules that a manifest created. Applying the same manifest again sends nothing. --dry-run
    prints the plan and its requests without the secrets of the manifest.

    \b
    qstash apply --dry-run
    qstash apply --prune --yes
    qstash export --profile eu | qstash apply --profile us -f - --yes
    """
    manifest = read_manifest(ctx, source)
    steps = make_plan(ctx, manifest, prune=source.prune).steps
    records = [record_of(step, manifest) for step in steps]
    show(ctx, records)
    if steps:
        ctx.confirm(
            f"{_question(records)}?",
            yes=confirm.yes,
            make_question=lambda: f"{_question(records)} to {ctx.account}?",
        )
    requests = [one for step in steps for one in concealed_requests(step, manifest)]
    return ctx.perform(requests, lambda send: _applied(ctx, send, manifest, steps, records))


def _applied(
    ctx: Context,
    send: Send,
    manifest: Manifest,
    steps: tuple[Step, ...],
    records: list[StepRecord],
) -> Result:
    if not steps:
        return Result(data=[], view=STEPS, lines=())
    progress = _Progress(steps)
    failure = _run(ctx, send, manifest, progress)
    done = records[: progress.done]
    what = counted(done, DONE) or "nothing"
    if not ctx.streams.err_is_terminal or failure is not None:
        ctx.note(f"done: {what}")
    # On a terminal the plan is displayed directly above.
    lines = () if ctx.streams.out_is_terminal else None
    sentence = f"Applied {amount(len(done), 'change')}: {what}"
    return Result(data=done, view=APPLIED, lines=lines, done=sentence, error=failure)


def _question(records: list[StepRecord]) -> str:
    deletions = sum(record["action"] == "delete" for record in records)
    besides = f" ({amount(deletions, 'deletion')})" if deletions else ""
    return f"Apply {amount(len(records), 'change')}{besides}"


def _run(ctx: Context, send: Send, manifest: Manifest, progress: _Progress) -> QstashError | None:
    """Runs the steps up to the first failure, which it returns."""
    try:
        with ctx.status() as status:
            for step in progress.steps:
                status.update(f"{progress.done + 1}/{len(progress.steps)} {step}")
                for request in step.requests:
                    send(request)
                    progress.requests += 1
                progress.done += 1
    except KeyboardInterrupt:
        ctx.warn(f"interrupted; {_count(progress)}, not done: {progress.left}")
        raise
    except QstashError as error:
        return _failure(error, manifest, progress)
    return None


def _failure(error: QstashError, manifest: Manifest, progress: _Progress) -> QstashError:
    step = progress.steps[progress.done]
    message = f"{step}: {manifest.conceal(error.message)}"
    hint = manifest.conceal(error.hint)
    if not progress.requests:
        kind = type(error)
        return kind(f"{message}; nothing was changed", hint=hint, status=error.status)
    return PartlyDone(
        f"{message}; {_count(progress)}",
        hint=f"not done: {progress.left}; `qstash apply` continues from here",
        status=error.status,
    )


def _count(progress: _Progress) -> str:
    return f"{progress.done} of {len(progress.steps)} changes are done"
