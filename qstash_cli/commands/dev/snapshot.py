"""`qstash dev snapshot`: saves and loads the data of a running server."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from qstash_cli.cli.context import Context
from qstash_cli.client.api import local_server
from qstash_cli.commands.dev.running_server import of_running_server
from qstash_cli.errors import BadInput, QstashError
from qstash_cli.files import read_file, reason_of, write_atomically
from qstash_cli.output.result import Column, Result, View

SNAPSHOT = View(
    columns=(Column(name="file", of="file"), Column(name="bytes", of="bytes")), id="file"
)
ACTIONS = ("save", "load")
# The server's own limit.
_MAX_BYTES = 64 * 1_048_576


def save_or_load(ctx: Context, action: str, file: str) -> Result:
    """Returns the result of an action. Raises `BadInput`."""
    if action not in ACTIONS:
        raise BadInput(f"unknown action: {action!r}", hint="write save FILE or load FILE")
    return _save(ctx, file) if action == "save" else _load(ctx, file)


def _save(ctx: Context, file: str) -> Result:
    path = Path(file).expanduser()
    if not path.parent.is_dir():
        raise BadInput(f"cannot write the file: {file}", hint="its folder does not exist")

    def write(state: local_server.Snapshot) -> Result:
        try:
            data = b64decode(state["snapshot"], validate=True)
        except ValueError:
            raise QstashError("the response is not a snapshot") from None
        try:
            # It contains signing keys and the bodies of messages.
            write_atomically(path, data)
        except OSError as fault:
            raise BadInput(f"cannot write the file: {file}", hint=reason_of(fault)) from None
        return _result(file, data, f"Saved the data of the server in {file}")

    with of_running_server(ctx) as local:
        return local.write(local_server.save_snapshot(), write)


def _load(ctx: Context, file: str) -> Result:
    path = Path(file).expanduser()
    if path.is_file() and path.stat().st_size > _MAX_BYTES:
        raise BadInput(f"the file is too large for a snapshot: {file}")
    data = read_file(file)
    with of_running_server(ctx) as local:
        return local.write(
            local_server.load_snapshot(data),
            lambda _: _result(file, data, f"Replaced the data of the server with {file}"),
        )


def _result(file: str, data: bytes, done: str) -> Result:
    return Result(data={"file": file, "bytes": len(data)}, view=SNAPSHOT, done=done)
