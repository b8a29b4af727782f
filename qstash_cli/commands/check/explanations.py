"""`qstash check --explain`: what each check reads, why it matters, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from qstash_cli.cli.context import Context
from qstash_cli.commands.check.measures import CheckKind
from qstash_cli.output.result import Column, Record, Result, View


class _Explanation(NamedTuple):
    check: CheckKind
    option: str
    reads: str
    why: str
    do: str


EXPLANATIONS = View(
    columns=(
        Column(name="check", of="check"),
        Column(name="option", of="option", where="data"),
        Column(name="reads", of="reads", wraps=True),
        Column(name="why", of="why", wraps=True),
        Column(name="do", of="do", wraps=True),
    ),
    id="check",
)


def _lines(record: Record) -> Iterator[Record]:
    yield {"check": record["check"], "what": "reads", "text": record["reads"]}
    yield {"check": "", "what": "why", "text": record["why"]}
    yield {"check": "", "what": "do", "text": record["do"]}


# Three columns of sentences do not fit next to each other on a narrow terminal.
_ON_TERMINAL = View(
    columns=(
        Column(name="check", of="check"),
        Column(name="what", of="what", header=" "),
        Column(name="text", of="text", wraps=True, header="EXPLANATION"),
    ),
    id="check",
    rows=_lines,
)
_ALL = (
    _Explanation(
        "dlq",
        "--dlq-max",
        "Every page of GET /v2/dlq, with the filters of --label and --dlq-since",
        "Each entry is a message that no retry could deliver. QStash keeps entries for a limited "
        "time only.",
        "`qstash dlq group` displays the causes, and `qstash dlq retry --group KEY` delivers again",
    ),
    _Explanation(
        "queue",
        "--queue NAME --lag-max",
        "GET /v2/queues/NAME: the number of undelivered messages",
        "A growing lag means that messages arrive faster than the destination accepts them, or "
        "that the queue is paused.",
        "`qstash queue resume NAME`, or more parallelism with `qstash queue set NAME`",
    ),
    _Explanation(
        "flow",
        "--flow KEY --waiting-max",
        "GET /v2/flowControl/KEY: the number of waiting messages",
        "Messages with this key wait because of its rate or parallelism, or because it is paused.",
        "`qstash flow resume KEY`, or higher limits with `qstash flow pin KEY`",
    ),
    _Explanation(
        "schedules-failed",
        "--schedules-failed-max",
        "GET /v2/schedules: the states of the last runs, and errors of schedules",
        "A schedule that cannot publish, or whose last message was not delivered, fails silently.",
        "`qstash schedule get ID` displays the error, and `qstash schedule run ID` runs it now",
    ),
    _Explanation(
        "schedule-late",
        "--schedule-late",
        "GET /v2/schedules: the times of the next runs, compared with the clock of this machine",
        "The next run of an active schedule is in the past, so that it has not run when it should.",
        "`qstash doctor` compares the clocks; then `qstash schedule get ID`",
    ),
)


def explained(ctx: Context, checks: Collection[CheckKind]) -> Result:
    """Returns the explanations of these checks. An empty collection selects every check."""
    output = ctx.options.output
    is_for_people = ctx.streams.out_is_terminal and output.format in {None, "table"}
    return Result(
        data=[one._asdict() for one in _ALL if not checks or one.check in checks],
        view=_ON_TERMINAL if is_for_people and not output.columns else EXPLANATIONS,
    )
