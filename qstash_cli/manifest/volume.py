"""Estimates what a plan changes in the messages per day. Retries do not count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from qstash_cli.manifest.account import AccountState
from qstash_cli.manifest.resources import Manifest, Schedule, UrlGroup
from qstash_cli.manifest.steps import Plan, Step, VolumeChange
from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.volume import messages_per_day

Volume = Mapping[str, float]


def with_volume(planned: Plan, manifest: Manifest, account: AccountState) -> Plan:
    """Returns the plan whose steps contain what they change in the messages per day.

    A change of a URL group contains those of all schedules that publish to it and have no step.
    """
    schedules = schedules_after(manifest, account, planned)
    before = daily_messages(
        {name: stored.schedule for name, stored in account.schedules.items()}, account.urlgroups
    )
    after = daily_messages(schedules, groups_after(manifest, account, planned))
    with_step = {step.name for step in planned.steps if step.kind == "schedule"}
    users: dict[str, list[str]] = {}
    for name, schedule in sorted(schedules.items()):
        if name not in with_step:
            users.setdefault(schedule.destination, []).append(name)

    def changes(step: Step) -> Iterator[VolumeChange]:
        named = {"schedule": [step.name], "urlgroup": users.get(step.name, [])}
        for name in named.get(step.kind, []):
            old, new = before.get(name, 0), after.get(name, 0)
            if old != new:
                yield VolumeChange(name, old, new)

    steps = (replace(step, volume=tuple(changes(step))) for step in planned.steps)
    return replace(planned, steps=tuple(steps))


def schedules_after(
    manifest: Manifest, account: AccountState, done: Plan
) -> Mapping[str, Schedule]:
    """Returns the schedules of the account after a plan was applied."""
    removed = _removed("schedule", done)
    stored = {name: one.schedule for name, one in account.schedules.items() if name not in removed}
    return {**stored, **(manifest.schedules or {})}


def groups_after(manifest: Manifest, account: AccountState, done: Plan) -> Mapping[str, UrlGroup]:
    """Returns the URL groups of the account after a plan was applied."""
    removed = _removed("urlgroup", done)
    groups = {**account.urlgroups, **(manifest.urlgroups or {})}
    return {name: group for name, group in groups.items() if name not in removed}


def daily_messages(schedules: Mapping[str, Schedule], urlgroups: Mapping[str, UrlGroup]) -> Volume:
    """Estimates the messages per day of each schedule: 0 if it is paused."""
    return {
        name: 0 if one.paused else messages_per_day(
            one.cron,
            endpoints=1 if is_url(one.destination) else _endpoints(one.destination, urlgroups),
            has_callback=bool(one.options.callback),
        )
        for name, one in schedules.items()
    }  # fmt: skip


def _removed(kind: str, done: Plan) -> set[str]:
    return {step.name for step in done.steps if (step.kind, step.action) == (kind, "delete")}


def _endpoints(name: str, urlgroups: Mapping[str, UrlGroup]) -> int:
    # An unknown group may have any number of endpoints, but it has at least one.
    return len(urlgroups[name].endpoints) if name in urlgroups else 1
