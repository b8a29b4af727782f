"""The journal of `dlq retry --group` and `dlq delete --group`."""

from __future__ import annotations

from glob import escape
from pathlib import Path

from qstash_cli.cli.context import Context
from qstash_cli.config.paths import journal_directory
from qstash_cli.errors import BadInput
from qstash_cli.files import reason_of
from qstash_cli.protocol.failure_reason import KEY_CHARS


def known_journal(ctx: Context, action: str, key: str, given: Path | None) -> Path | None:
    """Returns the journal of an earlier run for the group, or None.

    `key` may be the beginning of the group's key. `given` is the file of --journal. Raises
    `BadInput` if there are journals of several groups.
    """
    if given is not None:
        return given if given.exists() else None
    directory = journal_directory(ctx.system.env, ctx.system.home)
    # Exactly as long as a key: the name of another profile may begin with the same digits.
    rest = "?" * (KEY_CHARS - len(key))
    found = sorted(directory.glob(f"{escape(_stem(ctx, action))}-{key}{rest}.journal"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise BadInput(
            f"there are several runs of groups that begin with {key}: {names}",
            hint="write more digits of the key; nothing was sent",
        )
    return found[0] if found else None


def new_journal(ctx: Context, action: str, key: str, given: Path | None) -> Path:
    """Returns the path of the journal for a group. Raises `BadInput` if it has no directory."""
    if given is not None:
        return given
    directory = journal_directory(ctx.system.env, ctx.system.home)
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise BadInput(
            f"cannot create the directory of journals: {directory}: {reason_of(fault)}",
            hint="name a file with --journal, or add --no-journal; nothing was sent",
        ) from None
    return directory / f"{_stem(ctx, action)}-{key}.journal"


def _stem(ctx: Context, action: str) -> str:
    # Two profiles may have groups with the same key.
    profile = ctx.config.settings.profile
    return f"dlq-{action}-{profile}" if profile else f"dlq-{action}"
