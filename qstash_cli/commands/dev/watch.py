"""What `qstash dev` writes while it runs: the banner, and the events of the server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qstash_cli.cli.context import Context
from qstash_cli.commands.common.variable_lines import server_variables
from qstash_cli.errors import BadInput
from qstash_cli.protocol.dev_credentials import DEV_PORT, DEV_USER, Credentials

if TYPE_CHECKING:
    from qstash_cli.commands.dev.event_writer import EventWriter
    from qstash_cli.server.events import ServerEvent
    from qstash_cli.server.run import Running

_JSON_LINES = "jsonl"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How a run of the server is watched. `settings` are fields of the server's configuration."""

    ctx: Context
    settings: dict[str, Any] = field(default_factory=dict)

    def ready_line(self, running: Running, name: str) -> str:
        """Returns the first line of `-o jsonl`, with the variables; empty for other formats."""
        if self.ctx.options.output.format != _JSON_LINES:
            return ""
        addresses = running.addresses
        variables = server_variables(addresses.url, running.user(name))
        record = {"event": "ready", "url": addresses.url, "logUrl": addresses.log_url, **variables}
        return f"{json.dumps({key: value for key, value in record.items() if value})}\n"

    def write_banner(self, running: Running, user: Credentials, *, has_console: bool) -> None:
        """Writes to a terminal what to try next."""
        ctx = self.ctx
        if not (ctx.streams.err_is_terminal and ctx.streams.out_is_terminal):
            return
        if ctx.options.output.format is not None:
            return
        url = running.addresses.url
        is_default = user == DEV_USER and url.endswith(f":{DEV_PORT}")
        flag = " --dev" if is_default else ""
        where = "in another shell" if is_default else "in another shell, after the lines above"
        lines = (
            f"Try {where}:",
            f"  qstash listen --port 3000{flag}",
            f"  qstash publish http://127.0.0.1:3000/hook name=ada --wait{flag}",
            f"  qstash logs{flag}",
            *((f"Console: {url}",) if has_console else ()),
            "Ctrl-C stops the server.",
        )
        ctx.streams.err.write("".join(f"{line}\n" for line in ("", *lines, "")))
        ctx.streams.err.flush()


@contextlib.contextmanager
def watching(ctx: Context, *, is_private: bool) -> Iterator[Watch]:
    """Writes the events of a server while the block runs.

    A private server writes them only with -v, so that the output of its command stays its own.
    Raises `BadInput` for a format that events do not have.
    """
    output = ctx.options.output
    if output.format not in {None, _JSON_LINES} and not output.quiet:
        raise BadInput(f"dev has no output format {output.format}", hint="events are -o jsonl")
    if output.quiet or (is_private and not output.verbose):
        yield Watch(ctx=ctx)
        return
    writer = _writer(ctx)
    with writer.running():
        yield Watch(
            ctx=ctx,
            settings={
                "events": writer,
                "verbose_events": output.verbose,
                "log": None if output.format == _JSON_LINES else writer.log(),
            },
        )


def _writer(ctx: Context) -> EventWriter:
    from qstash_cli.commands.dev.event_lines import line_of, record_of
    from qstash_cli.commands.dev.event_writer import EventWriter
    from qstash_cli.output.event_line import event_line

    if ctx.options.output.format == _JSON_LINES:
        return EventWriter(ctx.streams.out, lambda event: f"{json.dumps(record_of(event))}\n")
    terminal = ctx.err_terminal()

    def line(event: ServerEvent) -> str:
        return event_line(line_of(event), terminal)

    return EventWriter(ctx.streams.err, line)
