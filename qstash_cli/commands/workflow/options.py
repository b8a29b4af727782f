"""Options that select workflow runs."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag
from qstash_cli.client.api.workflows import RunFilter
from qstash_cli.errors import BadInput
from qstash_cli.protocol.instants import parse_past_instant_s
from qstash_cli.protocol.workflow import RUN_STATES

_FILTERS = "Filters"
_WORDS = {state.removeprefix("RUN_").lower(): state for state in RUN_STATES}


def _state(text: str) -> str:
    word = text.strip().lower().replace("-", "_").removeprefix("run_")
    word = {"cancelled": "canceled", "running": "started"}.get(word, word)
    if word not in _WORDS:
        raise BadInput(f"not a state of a run: {text!r}", hint=f"use one of {', '.join(_WORDS)}")
    return _WORDS[word]


def _text(text: str) -> str:
    if not text.strip():
        raise BadInput("it is empty", hint="nothing was sent")
    return text


def _past_ms(text: str, now: float) -> int:
    return round(parse_past_instant_s(text, now) * 1000)


@dataclass(frozen=True, kw_only=True)
class RunFilters:
    """Filters for runs."""

    state: tuple[str, ...] = flag(
        "Only this state: started, success, failed or canceled",
        metavar="STATE",
        repeats=True,
        parse=_state,
        section=_FILTERS,
        complete="started|success|failed|canceled",
    )
    url: tuple[str, ...] = flag(
        "Only runs of this URL", metavar="URL", repeats=True, parse=_text, section=_FILTERS
    )
    label: tuple[str, ...] = flag(
        "Only this label", metavar="LABEL", repeats=True, parse=_text, section=_FILTERS
    )
    flow_key: tuple[str, ...] = flag(
        "Only this flow control key",
        metavar="KEY",
        repeats=True,
        parse=_text,
        section=_FILTERS,
        complete="flow_key",
    )
    caller_ip: tuple[str, ...] = flag(
        "Only runs started from this IP address",
        metavar="IP",
        repeats=True,
        parse=_text,
        section=_FILTERS,
    )
    since: int | None = flag(
        "Start of the time range, such as 1h or 2026-11-24T13:00Z",
        metavar="TIME",
        parse_at=_past_ms,
        section=_FILTERS,
    )
    until: int | None = flag(
        "End of the time range", metavar="TIME", parse_at=_past_ms, section=_FILTERS
    )

    def filter(self) -> RunFilter:
        """Returns the filter for the options. Raises `BadInput` if it cannot match anything."""
        if self.since is not None and self.until is not None and self.since > self.until:
            raise BadInput("--since is after --until", hint="nothing was sent")
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
    """Which runs to cancel, if they are not named."""

    url: str | None = flag(
        "Cancel the runs whose URL starts with this", metavar="URL", parse=_text, section=_FILTERS
    )


@dataclass(frozen=True, kw_only=True)
class NotifyOptions:
    """Who receives an event."""

    run: str | None = flag(
        "Only this run, which receives the event even if it waits for it later",
        metavar="RUN_ID",
        complete="run",
    )
