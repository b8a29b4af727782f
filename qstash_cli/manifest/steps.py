"""Plans the steps that apply a manifest to an account, in a safe order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from qstash_cli.client.request import Request
from qstash_cli.manifest import diff, requests
from qstash_cli.manifest.account import AccountState, StoredSchedule
from qstash_cli.manifest.diff import Change
from qstash_cli.manifest.resources import KINDS, Kind, Manifest, Pin, Queue, Schedule, UrlGroup

Action = Literal["create", "change", "delete"]


class VolumeChange(NamedTuple):
    """The estimated messages per day of a schedule, before and after a plan."""

    schedule: str
    old: float
    new: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """The creation, change or removal of one resource, with its requests.

    `takes_over` marks an existing schedule that was not created from a manifest. `volume` contains
    the schedules whose messages per day change.
    """

    kind: Kind
    name: str
    action: Action
    requests: tuple[Request[object], ...]
    changes: tuple[Change, ...] = ()
    takes_over: bool = False
    volume: tuple[VolumeChange, ...] = ()

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The steps, and the resources that are kept but that pruning would remove."""

    steps: tuple[Step, ...]
    kept: tuple[tuple[Kind, str], ...] = ()


def plan(manifest: Manifest, account: AccountState, *, prune: bool) -> Plan:
    """Returns the steps that apply the manifest to the account.

    Queues, pins and URL groups come before the schedules that use them. Removals come last,
    schedules first.
    """
    writes = [*_queues(manifest, account), *_pins(manifest, account)]
    writes += [*_urlgroups(manifest, account), *_schedules(manifest, account)]
    surplus = tuple(
        (kind, name) for kind in reversed(KINDS) for name in _surplus(kind, manifest, account)
    )
    if not prune:
        return Plan(steps=tuple(writes), kept=surplus)
    removals = (
        Step(kind=kind, name=name, action="delete", requests=(requests.remove(kind, name),))
        for kind, name in surplus
    )
    return Plan(steps=(*writes, *removals))


def _surplus(kind: Kind, manifest: Manifest, account: AccountState) -> list[str]:
    named = manifest.of(kind)
    if named is None:
        return []
    surplus = account.of(kind).keys() - named.keys()
    return sorted(name for name in surplus if _is_ours(kind, name, account))


def _is_ours(kind: Kind, name: str, account: AccountState) -> bool:
    # Only schedules can be marked as managed. Other kinds belong to any manifest that has them.
    return kind != "schedule" or account.schedules[name].is_managed


def _queues(manifest: Manifest, account: AccountState) -> Iterator[Step]:
    for name, desired in sorted((manifest.queues or {}).items()):
        stored = account.queues.get(name)
        sent = requests.write_queue(name, desired, stored)
        yield from _step("queue", name, desired, stored, sent)


def _pins(manifest: Manifest, account: AccountState) -> Iterator[Step]:
    for key, desired in sorted((manifest.flow or {}).items()):
        stored = account.flow.get(key)
        sent = requests.write_pin(key, desired, stored)
        yield from _step("flow", key, desired, stored, sent)


def _urlgroups(manifest: Manifest, account: AccountState) -> Iterator[Step]:
    for name, desired in sorted((manifest.urlgroups or {}).items()):
        stored = account.urlgroups.get(name)
        sent = requests.write_urlgroup(name, desired, stored)
        yield from _step("urlgroup", name, desired, stored, sent)


def _step(
    kind: Kind,
    name: str,
    desired: Queue | Pin | UrlGroup,
    stored: Queue | Pin | UrlGroup | None,
    sent: Iterator[Request[object]],
) -> Iterator[Step]:
    if stored is None:
        yield Step(
            kind=kind,
            name=name,
            action="create",
            requests=tuple(sent),
            changes=diff.created(desired),
        )
    elif found := diff.changes(desired, stored):
        yield Step(kind=kind, name=name, action="change", requests=tuple(sent), changes=found)


def _schedules(manifest: Manifest, account: AccountState) -> Iterator[Step]:
    for name, desired in sorted((manifest.schedules or {}).items()):
        stored = account.schedules.get(name)
        step = _new(name, desired) if stored is None else _changed(name, desired, stored)
        if step.requests:
            yield step


def _new(name: str, desired: Schedule) -> Step:
    return Step(
        kind="schedule",
        name=name,
        action="create",
        requests=tuple(requests.write_schedule(name, desired, was_paused=False)),
        changes=diff.created(desired),
    )


def _changed(name: str, desired: Schedule, stored: StoredSchedule) -> Step:
    found = diff.schedule_changes(desired, stored)
    was_paused = stored.schedule.paused
    sent: tuple[Request[object], ...] = ()
    if not stored.is_managed or {change.field for change in found} - {"paused"}:
        sent = tuple(requests.write_schedule(name, desired, was_paused=was_paused))
    elif found:
        sent = (requests.switch_schedule(name, desired),)
    return Step(
        kind="schedule",
        name=name,
        action="change",
        requests=sent,
        changes=found,
        takes_over=not stored.is_managed,
    )
