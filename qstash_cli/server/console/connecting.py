"""The lines that connect a shell or an application to the server. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from qstash_cli.server.console import sdk_snippets

_TYPESCRIPT_RECEIVER = """\
const receiver = new Receiver({
  currentSigningKey: process.env.QSTASH_CURRENT_SIGNING_KEY,
  nextSigningKey: process.env.QSTASH_NEXT_SIGNING_KEY,
})"""
_PYTHON_RECEIVER = """\
receiver = Receiver(
    current_signing_key=os.environ["QSTASH_CURRENT_SIGNING_KEY"],
    next_signing_key=os.environ["QSTASH_NEXT_SIGNING_KEY"],
)"""


class Connection(NamedTuple):
    """A name, and lines to copy."""

    name: str
    code: str


def connections(variables: Mapping[str, str]) -> tuple[Connection, ...]:
    """Returns the lines for a shell, for an `.env` file, and for both SDKs."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    typescript = sdk_snippets.TYPESCRIPT_CLIENT.replace("{ Client }", "{ Client, Receiver }")
    python = sdk_snippets.PYTHON_CLIENT.replace("import QStash", "import QStash, Receiver")
    return (
        Connection("Shell", "\n".join(exports)),
        Connection(".env", "\n".join(f"{name}={value}" for name, value in variables.items())),
        Connection("TypeScript", f"{typescript}\n{_TYPESCRIPT_RECEIVER}"),
        Connection("Python", f"{python}\n{_PYTHON_RECEIVER}"),
    )
