"""The MCP endpoint of `qstash dev`, whose tools run commands against the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.run_options import AutomationOptions, ConnectionOptions, RunOptions
from qstash_cli.commands.common.variable_lines import server_variables
from qstash_cli.protocol.dev_credentials import Credentials

if TYPE_CHECKING:
    from qstash_cli.mcp_server.http import McpEndpoint


def mcp_endpoint(ctx: Context) -> McpEndpoint:
    """Returns the endpoint. Its tools have the credentials of the request and no others."""
    from qstash_cli.mcp_server.http import McpEndpoint

    own = {n: v for n, v in ctx.system.env.items() if "QSTASH_" not in n}

    def context_of(url: str, user: Credentials) -> Context:
        system = ctx.system._replace(env=own | server_variables(url, user))
        # The user chose the address with --host.
        options = RunOptions(
            automation=AutomationOptions(no_input=True, no_config=True),
            connection=ConnectionOptions(insecure=True),
        )
        return Context(streams=ctx.streams, system=system, options=options)

    return McpEndpoint(context_of)
