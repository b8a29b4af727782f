"""`qstash listen`: the command and its table."""

from __future__ import annotations

from pathlib import Path

from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.signing_keys import SigningKeyOptions, signing_keys
from qstash_cli.commands.listen.arrivals import arrivals
from qstash_cli.commands.listen.options import ListenOptions
from qstash_cli.commands.listen.records import record_of
from qstash_cli.errors import BadCredentials, BadInput
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.destination import is_url

app = group()

_VIEW = View(
    columns=(
        Column(name="method", of="method", width=6),
        Column(name="path", of="path", width=14),
        Column(name="status", of="status", width=6),
        Column(name="signature", of="signature", width=9),
        Column(name="retried", of="retried", width=7),
        Column(name="messageId", of="messageId", width=33),
        Column(name="reason", of="reason"),
        Column(name="body", of=lambda r: r["report"] or r["body"]),
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
    if listening.to is not None and not is_url(listening.to):
        raise BadInput(
            f"--to: no http:// or https://: {listening.to}", hint=f"try http://{listening.to}"
        )
    if listening.save is not None:
        Path(listening.save).mkdir(parents=True, exist_ok=True)
    try:
        checked_with = signing_keys(ctx, keys)
    except BadCredentials:
        ctx.note("no signing key is configured, so that signatures are not checked; try --dev")
        checked_with = ()
    records = (record_of(ctx, one, checked_with) for one in arrivals(ctx, listening))
    return Result(data=records, view=_VIEW, live=True)
