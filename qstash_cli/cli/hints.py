"""Hints that name commands for the account that the failed command used."""

from __future__ import annotations

import re
import shlex

from qstash_cli.cli.index import INDEX
from qstash_cli.cli.parser import read
from qstash_cli.cli.run_options import ConnectionOptions

_COMMAND = re.compile(r"`qstash ([^`]+)`")


def connection_flags(connection: ConnectionOptions) -> tuple[str, ...]:
    """Returns the options that select the same account, without the token."""
    flags: list[str] = []
    for name in ("profile", "env_file", "api_url"):
        value = getattr(connection, name)
        if value is not None:
            flags += [f"--{name.replace('_', '-')}", value]
    return (*flags, *(("--dev",) if connection.dev else ()))


def with_connection(hint: str, connection: ConnectionOptions) -> str:
    """Returns a hint whose commands use the same account as the failed command.

    Only commands that connect to QStash get the options: `qstash dev` and `--help` need none.
    """
    flags = shlex.join(connection_flags(connection))
    if not flags:
        return hint
    return _COMMAND.sub(
        lambda found: f"`qstash {found[1]} {flags}`" if _connects(found[1]) else found[0], hint
    )


def _connects(command_line: str) -> bool:
    try:
        first, *rest = shlex.split(command_line)
    except ValueError:
        return False
    name = INDEX.name_of(first)
    parsed = read(INDEX.group(name), rest) if name is not None else None
    if parsed is None or not parsed.command.connects:
        return False
    # A hint such as `qstash logs --dev` selects another account on purpose.
    return not any(
        parsed.values.get(option) for option in ("profile", "env_file", "api_url", "dev")
    )
