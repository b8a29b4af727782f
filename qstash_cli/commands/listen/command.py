"""`qstash listen`: the command and its table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.signing_keys import SigningKeyOptions, signing_keys
from qstash_cli.commands.common.stream_queries import validate_query_of_stream
from qstash_cli.commands.listen.arrivals import arrivals
from qstash_cli.commands.listen.options import ListenOptions
from qstash_cli.commands.listen.records import record_of
from qstash_cli.errors import BadCredentials
from qstash_cli.output.blocks import Block, Labelled, Row, RowCell
from qstash_cli.output.result import CellFormat, Column, Record, Result, View
from qstash_cli.output.values import readable_span
from qstash_cli.protocol.destination import is_url, missing_scheme

app = group()


def _duration(record: Record) -> str:
    duration_ms = record["durationMs"]
    return f"{duration_ms} ms" if duration_ms < 1000 else readable_span(duration_ms / 1000)


# A terminal has one short line per request; programs get the fields that they have always had.
_VIEW = View(
    columns=(
        Column(name="time", of="time", format="instant_ms", width=8, where="tables"),
        Column(name="method", of="method", width=6),
        Column(name="path", of="path", width=14),
        Column(name="status", of="status", width=6),
        Column(name="duration", of=_duration, width=8, where="tables"),
        Column(name="signature", of="signature", format="state", width=11),
        Column(name="retried", of="retried", where="data"),
        Column(name="messageId", of="messageId", where="data"),
        Column(name="reason", of="reason", wraps=True),
        Column(name="body", of=lambda r: r["report"] or r["body"], where="data"),
    ),
    id="messageId",
)


@command(app, connects=False)
def listen(ctx: Context, *, listening: ListenOptions, keys: SigningKeyOptions) -> Result:
    """Receive requests at a local endpoint and verify their signatures.

    Decodes the reports of callbacks. `qstash verify --request` reads the files that --save writes.

    \b
    qstash listen --port 3000 --dev
    qstash listen --fail-first 2 --save captured
    qstash listen --to http://127.0.0.1:3000 --latency 3s
    """
    validate_query_of_stream(ctx, "listen")
    if listening.to is not None and not is_url(listening.to):
        raise missing_scheme("--to:", listening.to)
    if listening.save is not None:
        Path(listening.save).mkdir(parents=True, exist_ok=True)
    try:
        checked_with = signing_keys(ctx, keys)
    except BadCredentials:
        ctx.note("no signing key is configured, so that signatures are not checked; try --dev")
        checked_with = ()
    records = (record_of(ctx, one, checked_with) for one in arrivals(ctx, listening))
    return Result(data=records, view=_VIEW, live=True, screen=lambda: _screen(records))


def _screen(records: Iterable[Record]) -> Iterator[Block]:
    """Yields a line for each request, and below it the reason why its signature is not valid."""
    for number, record in enumerate(records):
        if number == 0:
            titles = tuple(RowCell(title, width) for title, width in _HEADER)
            yield Row(titles, "PATH", is_header=True)
        values = (
            record["time"],
            record["method"],
            record["status"],
            _duration(record),
            record["signature"],
        )
        cells = zip(values, _HEADER, _FORMATS, strict=True)
        yield Row(
            tuple(RowCell(value, width, form) for value, (_, width), form in cells),
            record["path"],
        )
        if record["reason"]:
            yield Labelled((("reason", record["reason"]),))


_HEADER = (("TIME", 8), ("METHOD", 6), ("STATUS", 6), ("TOOK", 7), ("SIGNATURE", 11))
_FORMATS: tuple[CellFormat, ...] = ("instant_ms", "text", "text", "text", "state")
