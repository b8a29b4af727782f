"""The screen of `qstash message show`: what a message is, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple, cast

from qstash_cli.output.blocks import Block, Headline, Listing, Paragraph, Preformatted, Section
from qstash_cli.output.body_text import (
    MAX_LINES,
    MAX_LINES_VERBOSE,
    DisplayedBody,
    cut_line,
    display_body,
)
from qstash_cli.output.result import Column, View
from qstash_cli.output.values import readable_span
from qstash_cli.protocol.attempts import Attempt, History
from qstash_cli.protocol.headers import Headers, names_a_secret
from qstash_cli.protocol.message_details import Body, flow_limits, headers_of, logged_body
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.states import ENDS

# Without --verbose, a long timeline has its first attempt and the newest ones.
_MAX_ATTEMPTS, _MAX_RESPONSES = 10, 3


class Shown(NamedTuple):
    """A message as the screen displays it.

    `record` merges what QStash has of it. `log_limit` is the number of log entries that were read,
    if there may be more.
    """

    record: Mapping[str, Any]
    dlq_id: str | None
    history: History
    body: Body
    now_ms: float
    is_verbose: bool
    log_limit: int | None = None

    @property
    def max_lines(self) -> int:
        """The limit for the lines of each body."""
        return MAX_LINES_VERBOSE if self.is_verbose else MAX_LINES


def blocks_of(shown: Shown) -> Iterator[Block]:
    """Yields everything but the signature and the next commands."""
    record, history = shown.record, shown.history
    yield Headline(history.state, f"{record.get('method') or 'POST'} {record.get('url') or ''}")
    yield Paragraph(_summary(shown))
    yield Section()
    yield Listing({**record, "dlqId": shown.dlq_id}, _OPTIONS)
    yield Section("Timeline", _omitted(shown))
    yield Listing(list(_timeline(shown)), _TIMELINE)
    yield from _responses(shown)
    headers = headers_of(record, "header")
    if headers:
        yield from _headers("Request headers", headers)
    yield from _body("Request body", display_body(shown.body, headers, shown.max_lines))


def _summary(shown: Shown) -> str:
    history = shown.history
    attempts = [one for one in history.attempts if one.outcome != "ACTIVE"]
    number = len(attempts)
    count = amount(number, "attempt")
    if history.state not in ENDS:
        limit = shown.record.get("maxRetries")
        so_far = f"{count} so far" if limit is None else f"{number} of {limit + 1} attempts so far"
        due = "" if history.next_at_ms is None else f", next {_due(history.next_at_ms, shown)}"
        return f"{so_far}{due}"
    status = attempts[-1].entry.get("responseStatus") if attempts else None
    result = f"{status} after {count}" if status else f"after {count}"
    start_ms, end_ms = history.created_at_ms, history.ended_at_ms
    if start_ms is None or end_ms is None:
        return result
    return f"{result}, {readable_span((end_ms - start_ms) / 1000)} after it was created"


def _due(at_ms: int, shown: Shown) -> str:
    wait_s = (at_ms - shown.now_ms) / 1000
    return f"in {readable_span(wait_s)}" if wait_s > 0 else "now"


def _list_of_labels(record: Mapping[str, Any]) -> object:
    return record.get("labels") or ([record["label"]] if record.get("label") else None)


def _not_before(record: Mapping[str, Any]) -> object:
    # Without a delay it is the time of creation.
    at_ms, created_ms = record.get("notBefore"), record.get("createdAt")
    return at_ms if at_ms and at_ms != created_ms else None


def _flow(record: Mapping[str, Any]) -> object:
    key, limits = record.get("flowControlKey"), flow_limits(record)
    return f"{key} ({limits})" if key and limits else key


def _timeout(record: Mapping[str, Any]) -> object:
    return readable_span(record["timeout"] / 1000) if record.get("timeout") else None


_OPTIONS = View(
    columns=(
        Column(name="messageId", of="messageId", format="id"),
        Column(name="dlqId", of="dlqId", format="id", header="DLQ ID"),
        Column(name="urlGroup", of="topicName"),
        Column(name="endpoint", of="endpointName"),
        Column(name="queue", of="queueName"),
        Column(name="schedule", of="scheduleId"),
        Column(name="labels", of=_list_of_labels, format="list"),
        Column(name="createdAt", of="createdAt", format="instant_ms"),
        Column(name="notBefore", of=_not_before, format="instant_ms"),
        Column(name="retries", of="maxRetries"),
        Column(
            name="retryDelay",
            of=lambda r: r.get("retryDelayExpression") or r.get("retryDelayExpr"),
        ),
        Column(name="timeout", of=_timeout),
        Column(name="flowControl", of=_flow),
        Column(name="callback", of="callback"),
        Column(name="failureCallback", of="failureCallback"),
        Column(name="publishedFrom", of="callerIP"),
    ),
    id="messageId",
)
_TIMELINE = View(
    columns=(
        Column(name="time", of="time", format="instant_ms"),
        Column(name="step", of="step"),
        Column(name="outcome", of="outcome", format="state"),
        Column(name="status", of="status"),
        Column(name="waited", of="waited"),
        Column(name="took", of="took"),
        Column(name="detail", of="detail", wraps=True),
    ),
    id="step",
    empty="no log entries yet",
)


def _displayed_attempts(shown: Shown) -> Sequence[Attempt]:
    attempts = shown.history.attempts
    if shown.is_verbose or len(attempts) <= _MAX_ATTEMPTS:
        return attempts
    return (attempts[0], *attempts[1 - _MAX_ATTEMPTS :])


def _omitted(shown: Shown) -> str:
    count = len(shown.history.attempts) - len(_displayed_attempts(shown))
    if shown.log_limit is not None:
        return f"from the newest {shown.log_limit:,} log entries"
    return f"{count} attempts omitted; -v shows all" if count else ""


def _timeline(shown: Shown) -> Iterator[dict[str, Any]]:
    history = shown.history
    rows: list[dict[str, Any]] = []
    if history.created_at_ms is not None:
        rows.append({"time": history.created_at_ms, "step": "created"})
    rows += [_attempt_row(one) for one in _displayed_attempts(shown)]
    rows += [
        {"time": one.at_ms, "step": "cancel", "outcome": one.state} for one in history.cancellations
    ]
    yield from sorted(rows, key=lambda row: row["time"])
    if history.next_at_ms is not None:
        yield {
            "time": history.next_at_ms,
            "step": f"attempt {len(history.attempts) + 1}",
            "outcome": "DUE",
            "detail": _due(history.next_at_ms, shown),
        }


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    status, error = attempt.entry.get("responseStatus"), attempt.entry.get("error") or ""
    return {
        "time": attempt.started_at_ms or attempt.ended_at_ms,
        "step": f"attempt {attempt.number}",
        "outcome": attempt.outcome,
        "status": status or None,
        "waited": _span_ms(attempt.waited_ms),
        "took": _span_ms(attempt.took_ms),
        "detail": _detail(status, error, cast("Mapping[str, Any]", attempt.entry)),
    }


def _detail(status: int | None, error: str, entry: Mapping[str, Any]) -> str | None:
    # `503 Service Unavailable` says no more than the status code.
    parts = [] if status and error.startswith(str(status)) else [error]
    # Only the embedded server injects faults.
    if faults := entry.get("injectedFaults"):
        parts.append(f"(injected: {', '.join(faults)})")
    return " ".join(parts).strip() or None


def _span_ms(duration_ms: int | None) -> str | None:
    return None if duration_ms is None else readable_span(duration_ms / 1000)


class _Response(NamedTuple):
    status: int | None
    headers: Headers
    body: Body


def _response_of(attempt: Attempt) -> _Response:
    entry = attempt.entry
    return _Response(
        entry.get("responseStatus"),
        headers_of(entry, "responseHeaders", "responseHeader"),
        logged_body(entry, "responseBody"),
    )


def _responses(shown: Shown) -> Iterator[Block]:
    """Yields each response once, with the numbers of the consecutive attempts that received it."""
    responded = [
        one for one in shown.history.attempts
        if one.entry.get("responseStatus") or one.entry.get("responseBody")
    ]  # fmt: skip
    groups = [
        list(group) for _, group in groupby(responded, key=lambda one: _response_of(one)[0::2])
    ]
    if not shown.is_verbose:
        groups = groups[-_MAX_RESPONSES:]
    for attempts in groups:
        response = _response_of(attempts[-1])
        displayed = display_body(response.body, response.headers, shown.max_lines)
        first, last = attempts[0].number, attempts[-1].number
        which = f"attempt {last}" if first == last else f"attempts {first}-{last}"
        title = f"Response to {which}: {response.status or 'no status'}"
        yield from _body(title, displayed)
        if shown.is_verbose and response.headers:
            yield from _headers(f"Response headers of attempt {last}", response.headers)


def _body(title: str, displayed: DisplayedBody) -> Iterator[Block]:
    yield Section(title, displayed.note)
    if displayed.text:
        yield Preformatted(displayed.text)


def _headers(title: str, headers: Headers) -> Iterator[Block]:
    yield Section(title)
    yield Preformatted(
        "\n".join(f"{name}: {_header_value(name, value)}" for name, value in headers)
    )


def _header_value(name: str, value: str) -> str:
    return (
        "(hidden; -o json has it)" if names_a_secret(name) else cut_line(value.replace("\n", " "))
    )
