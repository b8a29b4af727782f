"""Reads manifests and the account, and makes plans, for commands with a manifest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.client.api import (
    flow,
    queues,
    schedules,
    urlgroups,
)
from qstash_cli.client.request import Request
from qstash_cli.errors import BadInput
from qstash_cli.files import read_file
from qstash_cli.manifest import account as accounts
from qstash_cli.manifest.account import AccountState
from qstash_cli.manifest.resources import KINDS, Kind, Manifest
from qstash_cli.manifest.schema import parse
from qstash_cli.manifest.steps import Plan, plan
from qstash_cli.manifest.validation import Validation
from qstash_cli.manifest.volume import daily_messages, groups_after, schedules_after, with_volume
from qstash_cli.output.result import Record
from qstash_cli.protocol.destination import is_url

T = TypeVar("T")


class Read(Protocol):
    """Sends a request that only reads, and returns its response."""

    def __call__(self, request: Request[T]) -> T: ...


_LISTS: Mapping[Kind, Callable[[], Request[object]]] = {
    "queue": queues.list_all,
    "flow": flow.list_all,
    "schedule": schedules.list_all,
    "urlgroup": urlgroups.list_all,
}

DONE = {"create": "created", "change": "changed", "delete": "deleted"}
_DEFAULT_FILE = "qstash.toml"
_STDIN = "-"
_MAX_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class ManifestOptions:
    """The manifest and how to apply it."""

    file: str = flag(
        "Manifest file, - for standard input [default: qstash.toml]",
        "-f",
        "--file",
        metavar="FILE",
        default=_DEFAULT_FILE,
    )
    prune: bool = flag("Remove what the manifest does not list, for each kind that it has")
    no_check: bool = flag("Skip client-side validation")


def read_manifest(ctx: Context, source: ManifestOptions) -> Manifest:
    """Reads the manifest of the options. Raises `BadInput` naming file and key."""
    settings = ctx.config.settings_if_any
    validation = Validation(
        is_local=settings is not None and settings.is_local,
        plan=settings.plan if settings else None,
        is_on=not source.no_check,
    )
    return parsed(ctx, source.file, validation)


def parsed(ctx: Context, file: str, validation: Validation) -> Manifest:
    """Parses a file, or standard input for `-`. Raises `BadInput` naming file and key."""
    if file == _STDIN:
        return parse(ctx.streams.stdin.read(), "standard input", ctx.system.env, validation)
    try:
        data = read_file(file)
    except BadInput as error:
        hint = "`qstash export > qstash.toml` writes one"
        raise BadInput(error.message, hint=f"{error.hint}; {hint}") from None
    return parse(data, file, ctx.system.env, validation)


def account_requests(kinds: Collection[Kind]) -> list[Request[object]]:
    """Returns the requests of `read_account` for these kinds, in order."""
    return [make() for kind, make in _LISTS.items() if kind in kinds]


def read_account(read: Read, kinds: Collection[Kind]) -> AccountState:
    """Reads resources of these kinds, and the URL groups to which the schedules publish."""
    found = AccountState()
    if "queue" in kinds:
        found = replace(found, queues=accounts.read_queues(read(queues.list_all())))
    if "flow" in kinds:
        found = replace(found, flow=accounts.read_pins(read(flow.list_all())))
    if "schedule" in kinds:
        found = replace(found, schedules=accounts.read_schedules(read(schedules.list_all())))
    destinations = (one.schedule.destination for one in found.schedules.values())
    if "urlgroup" in kinds or not all(map(is_url, destinations)):
        found = replace(found, urlgroups=accounts.read_urlgroups(read(urlgroups.list_all())))
    return found


def kinds_of(manifest: Manifest) -> set[Kind]:
    """Returns the kinds of resources that the manifest contains or uses."""
    kinds = {kind for kind in KINDS if manifest.of(kind) is not None}
    destinations = (one.destination for one in (manifest.schedules or {}).values())
    return kinds if all(map(is_url, destinations)) else {*kinds, "urlgroup"}


def account_for(manifest: Manifest, read: Read) -> AccountState:
    """Reads the resources of the account that the manifest contains or uses."""
    return read_account(read, kinds_of(manifest))


def make_plan(ctx: Context, manifest: Manifest, *, prune: bool) -> Plan:
    """Plans the steps that change the account to match the manifest. Writes notes about them."""
    account = account_for(manifest, ctx.read)
    planned = with_volume(plan(manifest, account, prune=prune), manifest, account)
    _report(ctx, manifest, account, planned)
    return planned


def _report(ctx: Context, manifest: Manifest, account: AccountState, planned: Plan) -> None:
    if planned.kept:
        ctx.note(f"not in the manifest, and kept without --prune: {_some(planned.kept)}")
    if manifest.schedules is None:
        return
    warn_of_missing_groups(ctx, manifest, account, planned)
    schedules = schedules_after(manifest, account, planned)
    total = sum(daily_messages(schedules, groups_after(manifest, account, planned)).values())
    if total:
        ctx.note_forecast("without retries, the schedules publish", total)


def warn_of_missing_groups(
    ctx: Context, manifest: Manifest, account: AccountState, planned: Plan
) -> None:
    """Warns about schedules that publish to URL groups that will not exist."""
    groups = groups_after(manifest, account, planned)
    for name, schedule in (manifest.schedules or {}).items():
        if not is_url(schedule.destination) and schedule.destination not in groups:
            ctx.warn(f"schedule {name} publishes to a URL group that does not exist: "
                     f"{manifest.conceal(schedule.destination)}")  # fmt: skip


def _some(kept: tuple[tuple[Kind, str], ...]) -> str:
    listed = ", ".join(f"{kind} {name}" for kind, name in kept[:_MAX_NAMED])
    more = len(kept) - _MAX_NAMED
    return f"{listed} and {more} more" if more > 0 else listed


def counted(records: Iterable[Record], words: Mapping[str, str]) -> str:
    """Returns the number of steps by action, such as `2 to create, 1 to delete`."""
    actions = [record["action"] for record in records]
    counts = ((actions.count(action), word) for action, word in words.items())
    return ", ".join(f"{count} {word}" for count, word in counts if count)
