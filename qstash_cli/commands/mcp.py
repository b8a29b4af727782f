"""`qstash mcp`: the commands as tools of the Model Context Protocol."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.views import RAW
from qstash_cli.mcp_server import server
from qstash_cli.mcp_server.calls import refuse_protected
from qstash_cli.output.result import Result

app = group()


@dataclass(frozen=True, kw_only=True)
class McpOptions:
    """What clients may do."""

    allow_writes: bool = flag("Offer tools that change the account, such as publish and dlq retry")


@command(app)
def mcp(ctx: Context, *, options: McpOptions) -> Result:
    """Serve MCP tools to agents over standard input and output.

    The tools are commands of this program that only read. With --allow-writes there are also tools
    that publish, retry, cancel, delete, pause and resume, except for a profile that is protected.
    The connection options apply to all tools. Needs the extra: pip install 'qstash-cli[mcp]'.

    \b
    qstash mcp --profile prod
    qstash mcp --dev --allow-writes
    """
    server.require_sdk()
    if options.allow_writes:
        refuse_protected(ctx)
    if ctx.streams.stdin_is_terminal:
        ctx.note("waiting for an MCP client on standard input; Ctrl-C stops")
    server.serve_stdio(ctx, writes=options.allow_writes)
    return Result(data=[], view=RAW, text="")
