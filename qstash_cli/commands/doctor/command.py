"""`qstash doctor`: what is wrong between this machine and QStash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import command, group
from qstash_cli.errors import BadCredentials, ExitCode, QstashError, Unreachable
from qstash_cli.output.result import Column, Record, Result, View

app = group()

_STATUS = Column(name="status", of="status", format="outcome")
_DETAIL = Column(name="detail", of="detail", wraps=True)
_VIEW = View(
    columns=(
        Column(name="check", of="check"),
        _STATUS,
        _DETAIL,
        Column(name="fix", of="fix"),
    ),
    id="check",
)


def _with_fix_below(record: Record) -> Iterator[Record]:
    yield record
    if record.get("fix"):
        yield {"check": "", "status": "fix", "detail": record["fix"]}


# On a terminal a fix has the whole width, so that it can be copied.
_ON_TERMINAL = View(columns=(_VIEW.columns[0], _STATUS, _DETAIL), id="check", rows=_with_fix_below)
_ERRORS: Mapping[ExitCode, type[QstashError]] = {
    ExitCode.CREDENTIALS: BadCredentials,
    ExitCode.UNREACHABLE: Unreachable,
}


@command(app, view=_VIEW)
def doctor(ctx: Context) -> Result:
    """Check credentials, network, clock and account, and say how to mend what is wrong.

    Sends a few small requests, and nothing that changes anything. Exits 0 if there are warnings at
    most, 3 for the credentials, 6 if QStash cannot be reached, 1 for anything else.

    \b
    qstash doctor
    qstash doctor -p prod -o json
    qstash doctor --dev
    """
    from qstash_cli.config.urls import REGION_URLS

    return report(ctx, REGION_URLS)


def report(ctx: Context, regions: Mapping[str, str]) -> Result:
    """The checks, and what failed first; `regions` are those that a token may be of."""
    from qstash_cli.commands.doctor.checks import examine

    checks = []
    with ctx.status() as line:
        for check in examine(ctx, regions):
            checks.append(check)
            line.update(f"checked {check.name}")
    records: list[dict[str, Any]] = [check.as_record() for check in checks]
    failed = [check for check in checks if check.status == "failure"]
    failure = None
    if failed:
        kind = _ERRORS.get(failed[0].exit_code, QstashError)
        names = ", ".join(check.name for check in failed)
        failure = kind(f"failed: {names}", hint=failed[0].fix)
    is_for_people = ctx.streams.out_is_terminal and ctx.options.output.format in {None, "table"}
    view = _ON_TERMINAL if is_for_people and not ctx.options.output.columns else _VIEW
    return Result(data=records, view=view, error=failure)
