"""Options that select workflow runs."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag
from qstash_cli.client.api.workflows import RunFilter
from qstash_cli.commands.common.filters import (
    SECTION,
    filter_flag,
    nonempty,
    since_flag,
    until_flag,
    validate_range,
)
from qstash_cli.errors import BadInput
from qstash_cli.protocol.workflow import RUN_STATES

_WORDS = {state.removeprefix("RUN_").lower(): state for state in RUN_STATES}


def _state(text: str) -> str:
    word = text.strip().lower().replace("-", "_").removeprefix("run_")
    word = {"cancelled": "canceled", "running": "started"}.get(word, word)
    if word not in _WORDS:
        raise BadInput(f"not a state of a run: {text!r}", hint=f"use one of {', '.join(_WORDS)}")
    return _WORDS[word]


@dataclass(frozen=True, kw_only=True)
class RunFilters:
    """Filters for runs."""

    state: tuple[str, ...] = filter_flag(
        "Only this state: started, success, failed or canceled",
        "STATE",
        _state,
        complete="started|success|failed|canceled",
    )
    url: tuple[str, ...] = filter_flag("Only runs of this URL", "URL")
    label: tuple[str, ...] = filter_flag("Only this label", "LABEL")
    flow_key: tuple[str, ...] = filter_flag(
        "Only this flow control key", "KEY", complete="flow_key"
    )
    caller_ip: tuple[str, ...] = filter_flag("Only runs started from this IP address", "IP")
    since: int | None = since_flag()
    until: int | None = until_flag()

    def filter(self) -> RunFilter:
        """Returns the filter for the options. Raises `BadInput` if it cannot match anything."""
        validate_range(self.since, self.until)
        return RunFilter(
            states=self.state,
            urls=self.url,
            labels=self.label,
            flow_keys=self.flow_key,
            caller_ips=self.caller_ip,
            from_ms=self.since,
            to_ms=self.until,
        )


@dataclass(frozen=True, kw_only=True)
class CancelOptions:
    """Runs to cancel without naming their ids."""

    url: str | None = flag(
        "Cancel the runs whose URL starts with this", metavar="URL", parse=nonempty, section=SECTION
    )


@dataclass(frozen=True, kw_only=True)
class NotifyOptions:
    """The run that receives an event."""

    run: str | None = flag(
        "Only this run; an event that it does not wait for yet is kept",
        metavar="RUN_ID",
        complete="run",
    )
