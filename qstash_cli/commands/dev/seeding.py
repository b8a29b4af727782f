"""A manifest that a fresh server starts with."""

from __future__ import annotations

import contextlib

from qstash_cli.cli.context import Context
from qstash_cli.cli.exchanges import Send
from qstash_cli.commands.common.manifests import (
    DONE,
    account_for,
    counted,
    parsed,
    warn_of_missing_groups,
)
from qstash_cli.errors import QstashError
from qstash_cli.manifest.resources import Manifest
from qstash_cli.manifest.steps import Step, plan
from qstash_cli.manifest.validation import Validation


def read_seed(ctx: Context, file: str, plan_name: str | None) -> Manifest:
    """Reads the manifest for a local server, which may apply the limits of a plan.

    Raises `BadInput` naming file and key.
    """
    return parsed(ctx, file, Validation(is_local=True, plan=plan_name))


def seed(ctx: Context, file: str, manifest: Manifest, url: str, token: str) -> None:
    """Makes the server what the manifest says, and prunes nothing.

    Raises `QstashError` naming the step that was refused.
    """
    with contextlib.closing(ctx.open_client(url, token, is_local=True)) as client:
        account = account_for(manifest, client.send)
        made = plan(manifest, account, prune=False)
        warn_of_missing_groups(ctx, manifest, account, made)
        for step in made.steps:
            _do(step, file, manifest, client.send)
        done = counted(({"action": step.action} for step in made.steps), DONE)
        ctx.note(f"{file} is applied: {done or 'nothing differs'}")


def _do(step: Step, file: str, manifest: Manifest, send: Send) -> None:
    try:
        for request in step.requests:
            send(request)
    except QstashError as error:
        raise type(error)(
            f"{file} was not applied: {step}: {manifest.conceal(error.message)}",
            hint=manifest.conceal(error.hint) or "the server has ended",
            status=error.status,
        ) from None
