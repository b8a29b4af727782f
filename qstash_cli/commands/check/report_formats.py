"""Formats the results of `check` for people, Prometheus and Nagios. Pure.

Sources: Prometheus docs, "Exposition formats"; Monitoring Plugins Development Guidelines, "Plugin
output" and "Performance data". Names and details are untrusted: each becomes one safe line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qstash_cli.commands.check.measures import CheckKind, CheckResult
from qstash_cli.errors import QstashError
from qstash_cli.output.result import Line
from qstash_cli.output.safe import safe_text

# The exit codes of a plugin differ from those of `qstash`.
NAGIOS_OK, NAGIOS_CRITICAL, NAGIOS_UNKNOWN = 0, 2, 3


@dataclass(frozen=True, kw_only=True)
class _Texts:
    """The texts of a kind of check.

    `hint` is a command for details. `label` is the label of the metric, or empty.
    """

    value: Callable[[int], str]
    sentence: Callable[[str, int], str]
    hint: str
    metric: str
    help: str
    label: str = ""


_TEXTS: Mapping[CheckKind, _Texts] = {
    "dlq": _Texts(
        value=lambda n: _many(n, "entry", "entries"),
        sentence=lambda _, n: f"DLQ has {_many(n, 'entry', 'entries')}",
        hint="`qstash dlq list` shows the entries",
        metric="qstash_dlq_entries",
        help="Entries of the dead letter queue that fit.",
    ),
    "queue": _Texts(
        value=lambda n: f"lag {n}",
        sentence=lambda name, n: f"queue {name} has {n} waiting",
        hint="`qstash queue get {name}` shows the queue",
        metric="qstash_queue_lag",
        help="Messages of the queue that are not yet delivered.",
        label="queue",
    ),
    "flow": _Texts(
        value=lambda n: f"{n} waiting",
        sentence=lambda name, n: f"flow control key {name} has {n} waiting",
        hint="`qstash flow get {name}` shows the key",
        metric="qstash_flow_waiting",
        help="Messages that wait for the flow control key.",
        label="key",
    ),
    "schedules-failed": _Texts(
        value=lambda n: f"{n} failed",
        sentence=lambda _, n: f"{_many(n, 'schedule', 'schedules')} failed",
        hint="`qstash schedule list -o json` shows the schedules",
        metric="qstash_schedules_failed",
        help="Schedules, of those not paused, that failed the last time or cannot publish.",
    ),
    "schedule-late": _Texts(
        value=lambda n: f"{n} late",
        sentence=lambda _, n: f"{_many(n, 'schedule is', 'schedules are')} late",
        hint="`qstash schedule list` shows the next times",
        metric="qstash_schedules_late",
        help="Schedules, of those not paused, that should have published by now.",
    ),
}


def lines(records: Sequence[CheckResult]) -> tuple[Line, ...]:
    """Returns a line for each check."""
    return tuple(_line(one) for one in records)


def exceeded(records: Sequence[CheckResult]) -> QstashError | None:
    """Returns the error that names the exceeded limits, or None if all checks pass."""
    over = [one for one in records if not one["ok"]]
    if not over:
        return None
    first = over[0]
    message = "; ".join(_TEXTS[o["check"]].sentence(o["name"] or "", o["value"]) + _limit(o)
                     for o in over)  # fmt: skip
    hint = _TEXTS[first["check"]].hint.format(name=shlex.quote(first["name"] or ""))
    return QstashError(safe_text(f"exceeded: {message}"), hint=hint)


def prometheus(records: Sequence[CheckResult]) -> str:
    """Formats the metrics, and whether each check passes."""
    metrics = {_TEXTS[one["check"]].metric: _TEXTS[one["check"]] for one in records}
    rows: list[str] = []
    for metric, texts in metrics.items():
        rows += _head(metric, texts.help)
        of_it = [one for one in records if _TEXTS[one["check"]].metric == metric]
        rows += [f"{metric}{_labels(_name_label(texts, one))} {one['value']}" for one in of_it]
    rows += _head("qstash_check_ok", "1 if the check passes, 0 if its limit is exceeded.")
    for one in records:
        labels = _labels({"check": one["check"], "name": one["name"] or ""})
        rows.append(f"qstash_check_ok{labels} {int(one['ok'])}")
    return "\n".join([*rows, ""])


def nagios(records: Sequence[CheckResult]) -> tuple[str, int]:
    """Returns the line of a plugin with its performance data, and the plugin's exit code."""
    over = [one for one in records if not one["ok"]]
    state, code = ("CRITICAL", NAGIOS_CRITICAL) if over else ("OK", NAGIOS_OK)
    message = "; ".join(_sentence(one) for one in over or records)
    measured = " ".join(
        f"'{_perfdata_label(one)}'={one['value']};;{one['max']};0;" for one in records
    )
    return f"QSTASH {state} - {_without_bars(message)} | {measured}", code


def nagios_unknown(error: QstashError) -> str:
    """Returns the line of a plugin that could not check."""
    message = "; ".join(text for text in (error.message, error.hint) if text)
    return f"QSTASH UNKNOWN - {_without_bars(message)}"


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _line(record: CheckResult) -> Line:
    if record["ok"]:
        return Line(safe_text(f"ok        {_sentence(record)}"))
    return Line(safe_text(f"exceeded  {_sentence(record)}"), "removed")


def _sentence(record: CheckResult) -> str:
    name = f" {record['name']}" if record["name"] else ""
    value = _TEXTS[record["check"]].value(record["value"])
    return f"{record['check']}{name}: {value}{_limit(record)}"


def _limit(record: CheckResult) -> str:
    detail = f"; {record['detail']}" if record["detail"] else ""
    return f" (limit {record['max']}{detail})"


def _head(metric: str, text: str) -> Iterator[str]:
    yield f"# HELP {metric} {text}"
    yield f"# TYPE {metric} gauge"


def _name_label(texts: _Texts, record: CheckResult) -> dict[str, str]:
    return {texts.label: record["name"] or ""} if texts.label else {}


def _labels(labels: Mapping[str, str]) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}" if labels else ""


def _escaped(value: str) -> str:
    # A backslash from `safe_text` may be part of the value, and line feeds are among the escapes.
    return safe_text(value).replace("\\", r"\\").replace('"', r"\"")


def _without_bars(text: str) -> str:
    # A bar starts the performance data.
    return safe_text(text).replace("|", "%7C")


def _perfdata_label(record: CheckResult) -> str:
    """Returns the label of a value in the performance data.

    The guidelines forbid `=` and `'`. Both are percent-encoded, as are bars, and percent signs so
    that no two names get the same label.
    """
    label = f"{record['check']}_{record['name']}" if record["name"] else record["check"]
    return re.sub("[%'=|]", lambda found: f"%{ord(found[0]):02X}", safe_text(label))
