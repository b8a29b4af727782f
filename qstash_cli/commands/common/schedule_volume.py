"""The messages per day of the schedules in a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.protocol.destination import is_url
from qstash_cli.protocol.volume import messages_per_day

if TYPE_CHECKING:
    from qstash_cli.protocol.records import Schedule


def forecast_of(ctx: Context, schedules: Sequence[Schedule]) -> Callable[[], None]:
    """Returns a footer that estimates the messages per day of the active schedules.

    It says what is not known: the endpoints of URL groups count as one, and retries do not count.
    """

    def footer() -> None:
        active = [one for one in schedules if not one.get("isPaused")]
        per_day = sum(
            messages_per_day(one["cron"], has_callback=bool(one.get("callback"))) for one in active
        )
        if not per_day or not ctx.streams.out_is_terminal:
            return
        groups = sum(not is_url(one["destination"]) for one in active)
        more = ", retries" if not groups else ", retries and further endpoints of URL groups"
        ctx.note_forecast(f"without{more[1:]}, the schedules publish", per_day)

    return footer
