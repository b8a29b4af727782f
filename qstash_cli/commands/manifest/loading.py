"""What `plan`, `apply` and `export` share: reading the manifest, and what the account has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from qstash_cli.cli.context import Invocation
from qstash_cli.cli.flags import flag
from qstash_cli.client.api import (
    flow,
    queues,
    schedules,
    urlgroups,
)
from qstash_cli.client.request import Request
from qstash_cli.commands.common import message_volume
from qstash_cli.errors import BadInput
from qstash_cli.files import read_file
from qstash_cli.manifest import account as accounts
from qstash_cli.manifest.account import Account
from qstash_cli.manifest.checks import Checks
from qstash_cli.manifest.resources import KINDS, Kind, Manifest, UrlGroup
from qstash_cli.manifest.schema import parse
from qstash_cli.manifest.steps import Plan, daily_messages, plan, schedules_after
from qstash_cli.protocol.destination import is_url

Read = Callable[[Request[Any]], Any]
_LISTS: Mapping[Kind, Callable[[], Request[Any]]] = {
    "queue": queues.every,
    "flow": flow.every,
    "schedule": schedules.every,
    "urlgroup": urlgroups.every,
}

_DEFAULT_FILE = "qstash.toml"
_STDIN = "-"
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Source:
    """Which manifest, and how it is taken."""

    file: str = flag(
        "Manifest, - for standard input (default qstash.toml)",
        "-f",
        "--file",
        metavar="FILE",
        default=_DEFAULT_FILE,
    )
    prune: bool = flag("Remove what the manifest does not list, of the kinds that it names")
    no_check: bool = flag("Leave the checks to QStash")


def read_manifest(inv: Invocation, source: Source) -> Manifest:
    """What the manifest says. Raises `BadInput` naming file and key."""
    settings = inv.settings_if_any
    checks = Checks(
        is_local=settings is not None and settings.is_local,
        plan=settings.plan if settings else None,
        is_on=not source.no_check,
    )
    return parsed(inv, source.file, checks)


def parsed(inv: Invocation, file: str, checks: Checks) -> Manifest:
    """What a file says, or standard input for `-`. Raises `BadInput` naming file and key."""
    if file == _STDIN:
        return parse(inv.stdin.read(), "standard input", inv.env, checks)
    try:
        data = read_file(file)
    except BadInput as error:
        hint = "`qstash export > qstash.toml` writes one"
        raise BadInput(error.message, hint=f"{error.hint}; {hint}") from None
    return parse(data, file, inv.env, checks)


def account_requests(kinds: Collection[Kind]) -> list[Request[Any]]:
    """What `read_account` sends for these kinds, in order."""
    return [make() for kind, make in _LISTS.items() if kind in kinds]


def read_account(read: Read, kinds: Collection[Kind]) -> Account:
    """What the account has of these kinds, and the URL groups that its schedules publish to."""
    found = Account()
    if "queue" in kinds:
        found = replace(found, queues=accounts.read_queues(read(queues.every())))
    if "flow" in kinds:
        found = replace(found, flow=accounts.read_pins(read(flow.every())))
    if "schedule" in kinds:
        found = replace(found, schedules=accounts.read_schedules(read(schedules.every())))
    destinations = (one.schedule.destination for one in found.schedules.values())
    if "urlgroup" in kinds or not all(map(is_url, destinations)):
        found = replace(found, urlgroups=accounts.read_urlgroups(read(urlgroups.every())))
    return found


def kinds_of(manifest: Manifest) -> set[Kind]:
    """The kinds that the manifest names or uses."""
    kinds = {kind for kind in KINDS if manifest.of(kind) is not None}
    destinations = (one.destination for one in (manifest.schedules or {}).values())
    return kinds if all(map(is_url, destinations)) else {*kinds, "urlgroup"}


def account_for(manifest: Manifest, read: Read) -> Account:
    """What the account has of what the manifest names or uses."""
    return read_account(read, kinds_of(manifest))


def make_plan(inv: Invocation, manifest: Manifest, *, prune: bool) -> Plan:
    """The steps that make the account what the manifest says. Writes notes about them."""
    account = account_for(manifest, inv.read)
    made = plan(manifest, account, prune=prune)
    _tell(inv, manifest, account, made)
    return made


def _tell(inv: Invocation, manifest: Manifest, account: Account, made: Plan) -> None:
    if made.kept:
        inv.note(f"not in the manifest, and kept without --prune: {_some(made.kept)}")
    if manifest.schedules is None:
        return
    warn_of_missing_groups(inv, manifest, account, made)
    groups = _groups_after(manifest, account, made)
    made_a_day = daily_messages(schedules_after(manifest, account, made), groups)
    message_volume.tell(inv, "the schedules make", made_a_day)


def warn_of_missing_groups(
    inv: Invocation, manifest: Manifest, account: Account, made: Plan
) -> None:
    """Warns of the schedules that publish to what will not be there."""
    groups = _groups_after(manifest, account, made)
    for name, schedule in (manifest.schedules or {}).items():
        if not is_url(schedule.destination) and schedule.destination not in groups:
            inv.warn(f"schedule {name} publishes to a URL group that is not there: "
                     f"{manifest.conceal(schedule.destination)}")  # fmt: skip


def _groups_after(manifest: Manifest, account: Account, made: Plan) -> dict[str, UrlGroup]:
    removed = {step.name for step in made.steps if (step.kind, step.action) == _GROUP_REMOVED}
    groups = {**account.urlgroups, **(manifest.urlgroups or {})}
    return {name: group for name, group in groups.items() if name not in removed}


_GROUP_REMOVED = ("urlgroup", "delete")


def _some(kept: tuple[tuple[Kind, str], ...]) -> str:
    told = ", ".join(f"{kind} {name}" for kind, name in kept[:_MOST_NAMED])
    more = len(kept) - _MOST_NAMED
    return f"{told} and {more} more" if more > 0 else told
