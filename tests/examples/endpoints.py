"""Runs the endpoints in `examples/` as their files tell a developer to."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.polling import poll
from tests.ports import reserved_port

EXAMPLES = Path(__file__).parents[2] / "examples"
# They evaluate the arguments, and accept everything.
_ACCEPTS_ALL = {".py": "dict(", ".js": "Object(", ".mjs": "Object("}


class Example(NamedTuple):
    """A folder of `examples/`, and the file in it that verifies signatures.

    `flags` are options with which the test runs the file's command.
    """

    folder: str
    file: str
    flags: str = ""

    @property
    def source(self) -> str:
        return (EXAMPLES / self.folder / self.file).read_text()

    @property
    def command(self) -> str:
        """The command of the file's first comment, without the installation."""
        found = re.search(r"^(?:// )?Run: (?:npm install && )?(.*)$", self.source, re.MULTILINE)
        assert found, self
        return f"{found[1]} {self.flags}"

    @property
    def unverified(self) -> str:
        """The source without the verification."""
        assert self.source.count("receiver.verify(") == 1
        return self.source.replace("receiver.verify(", _ACCEPTS_ALL[Path(self.file).suffix])

    def copy_to(self, directory: Path) -> Path:
        """Copies the folder, without what an earlier run left there."""
        ignored = shutil.ignore_patterns("node_modules", "__pycache__", ".next", ".wrangler")
        return Path(shutil.copytree(EXAMPLES / self.folder, directory, ignore=ignored))


FLASK = Example("flask", "app.py")
FASTAPI = Example("fastapi", "app.py")
DJANGO = Example("django", "views.py", "--noreload")
LAMBDA_PYTHON = Example("aws-lambda-python", "handler.py")
LAMBDA_NODE = Example("aws-lambda-node", "index.mjs")
EXPRESS = Example("express", "app.js")
NEXTJS = Example("nextjs", "app/hook/route.js")
WORKERS = Example("cloudflare-workers", "src/index.js")
ALL = (FLASK, FASTAPI, DJANGO, LAMBDA_PYTHON, LAMBDA_NODE, EXPRESS, NEXTJS, WORKERS)


def variables(url: str) -> dict[str, str]:
    """Returns what an endpoint reads from its environment."""
    return {
        "APP_URL": url,
        "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
        "QSTASH_NEXT_SIGNING_KEY": DEV_USER.next_signing_key,
    }


@contextmanager
def running(command: str, directory: Path, *, within_s: float = 60) -> Iterator[str]:
    """Runs a command, on a free port instead of 3000, and yields the URL of its origin."""
    with reserved_port() as port:
        url = f"http://127.0.0.1:{port}"
        own = {name: value for name, value in os.environ.items() if not name.startswith("QSTASH_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        (directory / ".dev.vars").write_text(
            "".join(f"{name}={value}\n" for name, value in variables(url).items())
        )
        with (directory / "output.txt").open("w+") as output:
            process = subprocess.Popen(  # noqa: S603 - a command of ours
                ["/bin/sh", "-c", command.replace("3000", str(port))],
                cwd=directory,
                env=own | variables(url) | _QUIET | {"PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                poll(lambda: _is_listening(process, port, output.name), within_s)
                yield url
            finally:
                _stop(process)


_QUIET = {"NEXT_TELEMETRY_DISABLED": "1", "WRANGLER_SEND_METRICS": "false", "CI": "1"}


def _is_listening(process: subprocess.Popen[bytes], port: int, output: str) -> bool:
    assert process.poll() is None, Path(output).read_text()
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
