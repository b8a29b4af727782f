"""The messages per day of schedules, in a list and in total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.client.api import urlgroups
from qstash_cli.commands.common.views import SCHEDULE
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Record, View
from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.volume import messages_per_day, rounded, share_of_plan

if TYPE_CHECKING:
    from qstash_cli.protocol.records import Schedule


class ScheduleForecast:
    """Estimates the messages per day of schedules, without retries.

    Reads the URL groups of the account once, and only if a schedule publishes to one. If they
    cannot be read, each counts as one endpoint.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._sizes: Mapping[str, int] | None = None
        self._misses_endpoints = False

    @property
    def view(self) -> View:
        """The view of schedules with their messages per day."""
        pick = {"perDay": self._cell, "ofPlan": self._share}
        columns = (
            column._replace(of=pick.get(column.name, column.of)) for column in SCHEDULE.columns
        )
        return SCHEDULE._replace(columns=tuple(columns))

    def report(self, schedules: Sequence[Schedule]) -> None:
        """Writes the total to a terminal, and what it does not count."""
        if not self._ctx.streams.out_is_terminal:
            return
        total = sum(map(self._per_day, schedules))
        if total:
            more = " and further endpoints of URL groups" if self._misses_endpoints else ""
            self._ctx.note_forecast(f"without retries{more}, the schedules publish", total)

    def _per_day(self, schedule: Record) -> float:
        if schedule.get("isPaused"):
            return 0
        endpoints = self._endpoints(schedule["destination"])
        has_callback = bool(schedule.get("callback"))
        return messages_per_day(schedule["cron"], endpoints=endpoints, has_callback=has_callback)

    def _cell(self, schedule: Record) -> float:
        return rounded(self._per_day(schedule))

    def _share(self, schedule: Record) -> str:
        settings = self._ctx.config.settings_if_any
        return share_of_plan(self._per_day(schedule), settings.plan if settings else None)

    def _endpoints(self, destination: str) -> int:
        if is_url(destination):
            return 1
        if self._sizes is None:
            self._sizes = self._read()
        return self._sizes.get(destination, 1)

    def _read(self) -> Mapping[str, int]:
        try:
            groups = self._ctx.read(urlgroups.list_all())
        except QstashError:
            # The forecast is optional.
            self._misses_endpoints = True
            return {}
        return {group["name"]: len(group["endpoints"]) for group in groups}


def endpoints_of(ctx: Context, destination: str) -> int:
    """Reads how many endpoints a destination has. A URL group that cannot be read counts as one."""
    if is_url(destination):
        return 1
    try:
        return len(ctx.read(urlgroups.get(destination))["endpoints"])
    except QstashError:
        # The forecast is optional.
        return 1
