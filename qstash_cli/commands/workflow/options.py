"""Options that select workflow runs, and those of runs that are started again."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag
from qstash_cli.cli.options import message_flag
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
from qstash_cli.protocol.ids import validate_id
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.workflow import RUN_STATES

_CALLBACK_STATES = {
    "in-progress": "CALLBACK_INPROGRESS",
    "success": "CALLBACK_SUCCESS",
    "failed": "CALLBACK_FAIL",
    "canceled": "CALLBACK_CANCELED",
}
_WORDS = {state.removeprefix("RUN_").lower(): state for state in RUN_STATES}


def _state(text: str) -> str:
    word = text.strip().lower().replace("-", "_").removeprefix("run_")
    word = {"cancelled": "canceled", "running": "started"}.get(word, word)
    if word not in _WORDS:
        raise BadInput(f"not a state of a run: {text!r}", hint=f"use one of {', '.join(_WORDS)}")
    return _WORDS[word]


def _run_id(text: str) -> str:
    return validate_id(text, "workflow run")


def _message_id(text: str) -> str:
    return validate_id(text, "message")


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise BadInput(f"not a path: {text!r}", hint="a path starts with /, such as /onboard")
    return text


def _callback_state(text: str) -> str:
    word = text.strip().lower()
    word = {"cancelled": "canceled", "succeeded": "success"}.get(word, word)
    if word not in _CALLBACK_STATES:
        raise BadInput(
            f"not a state of a failure callback: {text!r}",
            hint=f"use one of {', '.join(_CALLBACK_STATES)}",
        )
    return _CALLBACK_STATES[word]


@dataclass(frozen=True, kw_only=True)
class RunFilters:
    """Filters for runs."""

    run: tuple[str, ...] = filter_flag("Only this run", "RUN_ID", _run_id, complete="run")
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
            run_ids=self.run,
            urls=self.url,
            labels=self.label,
            flow_keys=self.flow_key,
            caller_ips=self.caller_ip,
            from_ms=self.since,
            to_ms=self.until,
        )


@dataclass(frozen=True, kw_only=True)
class RunLogFilters(RunFilters):
    """Filters for the log of runs."""

    state: tuple[str, ...] = filter_flag(
        "Only this state: started, success, failed or canceled",
        "STATE",
        _state,
        complete="started|success|failed|canceled",
    )
    message: tuple[str, ...] = filter_flag("Only the run of this message", "ID", _message_id)
    host: tuple[str, ...] = filter_flag("Only runs whose URL has this host", "HOST")
    path: tuple[str, ...] = filter_flag("Only runs whose URL has this path", "PATH", _path)

    def filter(self) -> RunFilter:
        """Returns the filter for the options."""
        return (
            super()
            .filter()
            ._replace(states=self.state, message_ids=self.message, hosts=self.host, paths=self.path)
        )


@dataclass(frozen=True, kw_only=True)
class FailedRunFilters(RunFilters):
    """Filters for failed runs in the DLQ."""

    callback_state: tuple[str, ...] = filter_flag(
        "Only this state of the failure callback: in-progress, success, failed or canceled",
        "STATE",
        _callback_state,
        complete="in-progress|success|failed|canceled",
    )

    def filter(self) -> RunFilter:
        """Returns the filter for the options."""
        return super().filter()._replace(callback_states=self.callback_state)


@dataclass(frozen=True, kw_only=True)
class RestartOptions:
    """Options of a failed run that is started again. `label` and `flow_key` are filters there."""

    retries: int | None = message_flag("retries")
    retry_delay: str | None = message_flag("retry_delay")
    delay: int | None = message_flag("delay_s")
    set_label: tuple[tuple[str, ...], ...] = message_flag("label", "--set-label")
    set_flow_key: str | None = message_flag("flow_key", "--set-flow-key")
    parallelism: int | None = message_flag("parallelism")
    rate: int | None = message_flag("rate")
    period: int | None = message_flag("period_s")
    failure_callback: str | None = message_flag("failure_callback")

    def message_options(self) -> MessageOptions:
        """Returns the options that replace those of the failed run."""
        return MessageOptions(
            retries=self.retries,
            retry_delay=self.retry_delay,
            delay_s=self.delay,
            label=tuple(one for labels in self.set_label for one in labels),
            flow_key=self.set_flow_key,
            parallelism=self.parallelism,
            rate=self.rate,
            period_s=self.period,
            failure_callback=self.failure_callback,
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
