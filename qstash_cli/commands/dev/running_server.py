"""Finds the running server that a subcommand of `qstash dev` is for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from qstash_cli.cli.context import Context
from qstash_cli.errors import BadInput


@contextlib.contextmanager
def of_running_server(ctx: Context) -> Iterator[Context]:
    """Yields the context for requests to a server of `qstash dev`.

    That is the one that the flags or the environment select if it is on this machine, otherwise the
    one of --dev. Raises `BadInput` if the flags select another machine.
    """
    settings, connection = ctx.config.settings_if_any, ctx.options.connection
    if settings is not None and settings.is_local:
        yield ctx
        return
    if settings is not None and (connection.profile or connection.api_url or connection.token):
        raise BadInput(
            f"not a server of `qstash dev`: {settings.api_url}",
            hint="leave out the connection options, or use --api-url http://127.0.0.1:PORT",
        )
    with contextlib.closing(ctx.with_connection(replace(connection, dev=True))) as local:
        yield local
