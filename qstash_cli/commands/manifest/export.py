"""`qstash export`: write the account's resources as a manifest."""

from __future__ import annotations

from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.manifests import account_requests, read_account
from qstash_cli.errors import PartlyDone, QstashError
from qstash_cli.manifest.account import AccountState, StoredSchedule
from qstash_cli.manifest.resources import KINDS, Manifest
from qstash_cli.manifest.tables import document_of, to_toml
from qstash_cli.output.result import Result, View

app = group()

_MANIFEST = View(columns=(), id=lambda _record: None)


@command(app)
def export(ctx: Context) -> Result:
    """Write the schedules, URL groups, queues and pins of the account as a manifest.

    Skips a schedule with redacted values, since QStash returns only their hashes; the exit code is
    then 10.

    \b
    qstash export > qstash.toml
    qstash export --profile eu | qstash plan --profile us -f -
    """
    return ctx.perform(account_requests(KINDS), lambda _send: _exported(ctx))


def _exported(ctx: Context) -> Result:
    account = read_account(ctx.read, KINDS)
    left_out = {
        name: reason
        for name, stored in account.schedules.items()
        if (reason := _reason_against(stored))
    }
    _warn_of_doubts(ctx, account, left_out)
    manifest = Manifest(
        queues=account.queues,
        flow=account.flow,
        urlgroups=account.urlgroups,
        schedules={
            name: stored.schedule
            for name, stored in account.schedules.items()
            if name not in left_out
        },
    )
    data: dict[str, object] = document_of(manifest)
    failure = _failure(left_out)
    return Result(data=data, view=_MANIFEST, text=to_toml(manifest), error=failure)


def _reason_against(stored: StoredSchedule) -> str:
    if stored.redacted:
        return f"QStash hides its {', '.join(stored.redacted)}"
    if stored.is_managed and not stored.is_complete:
        return "QStash does not return redacted values or the options of its callback"
    return ""


def _warn_of_doubts(ctx: Context, account: AccountState, left_out: dict[str, str]) -> None:
    doubtful = [
        name
        for name, stored in account.schedules.items()
        if not stored.is_managed
        and name not in left_out
        and (stored.schedule.options.callback or stored.schedule.options.failure_callback)
    ]
    if doubtful:
        ctx.note(
            "QStash does not return the options of a callback's own delivery, such as its retries; "
            f"look after those of: {', '.join(sorted(doubtful))}"
        )


def _failure(left_out: dict[str, str]) -> QstashError | None:
    if not left_out:
        return None
    reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(left_out.items()))
    what = f"{len(left_out)} schedules are" if len(left_out) > 1 else "1 schedule is"
    return PartlyDone(
        f"{what} not in the manifest: {reasons}",
        hint="take them from the manifest that made them, or write them by hand",
    )
