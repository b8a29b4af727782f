"""`qstash demo`: runs the commands for a message from its publication to its retry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.variable_lines import server_variables
from qstash_cli.commands.common.views import RAW
from qstash_cli.errors import ExitCode, QstashError
from qstash_cli.files import write_atomically
from qstash_cli.output.blocks import (
    Block,
    Commands,
    Paragraph,
    Preformatted,
    Prompt,
    Rule,
    Section,
)
from qstash_cli.output.result import Result
from qstash_cli.protocol.dev_credentials import DEV_USER

if TYPE_CHECKING:
    from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received

app = group()


@dataclass
class _Shop:
    """The endpoint of the demo. /broken responds with 500 until it is repaired."""

    is_repaired: bool = False

    def response(self, request: Received) -> tuple[int, bytes]:
        if request.path == "/broken" and not self.is_repaired:
            return 500, b"out of paper"
        return 200, b"thank you"


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """Where the commands of the demo run: a directory, an environment, and the user's terminal."""

    ctx: Context
    directory: Path
    env: dict[str, str]

    def show(self, *blocks: Block) -> None:
        """Writes the blocks to standard output."""
        from qstash_cli.output.screen import write_screen

        write_screen(blocks, self.ctx.streams.out, self.ctx.out_terminal())

    def run(self, *arguments: str, expected: ExitCode = ExitCode.DONE) -> None:
        """Runs a command as a user would, and displays it with its output."""
        self.show(Prompt(("qstash", *arguments)))
        if self._is_on_terminal:
            # The command writes to the terminal itself: tables and colours are its own.
            code = self._process(arguments, stdout=None, stderr=None).returncode
        else:
            done = self._process(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            code = done.returncode
            self.ctx.streams.out.writelines(f"  {line}\n" for line in done.stdout.splitlines())
        if code != ExitCode.DONE:
            self.show(Paragraph(f"(exit code {code})"))
        if code != expected:
            raise QstashError(
                f"the demo's command exited with {code} instead of {expected:d}",
                hint="this is a defect of qstash itself; report it with the lines above",
            )

    def output_of(self, *arguments: str) -> str:
        """Returns the output of a command that is not displayed."""
        return self._process(arguments, stdout=subprocess.PIPE, stderr=None).stdout.strip()

    @property
    def _is_on_terminal(self) -> bool:
        return self.ctx.streams.out_is_terminal and self.ctx.streams.out is sys.stdout

    def _process(
        self, arguments: Sequence[str], *, stdout: int | None, stderr: int | None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - this program itself
            [sys.executable, "-m", "qstash_cli", *arguments],
            env=self.env,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            check=False,
        )


@command(app, connects=False)
def demo(ctx: Context) -> Result:
    """Show a delivery end to end: publish, deliver, verify, fail and replay.

    Starts a private server and an endpoint, and runs the commands that it prints. Needs no account.

    \b
    qstash demo
    qstash demo -v
    """
    from qstash_cli.server.http.local_endpoint import running_endpoint
    from qstash_cli.server.run import ServerConfig, running_server

    shop = _Shop()
    with (
        TemporaryDirectory(prefix="qstash-demo-") as directory,
        running_server(ServerConfig(port=0)) as url,
        running_endpoint(shop.response) as endpoint,
    ):
        stage = _Stage(ctx=ctx, directory=Path(directory), env=_environment(ctx, url, directory))
        stage.show(
            Rule("QStash in four steps"),
            Paragraph(f"A private server runs at {url}, an endpoint at {endpoint.url}."),
        )
        _deliver(stage, endpoint)
        _verify(stage, endpoint)
        _bury(stage, endpoint)
        shop.is_repaired = True
        _replay(stage)
        stage.show(Rule("Next"), Paragraph("Run these in three terminals:"), Section(), _NEXT)
    return Result(data=[], view=RAW, text="")


_NEXT = Commands(
    (
        ("server", "qstash dev"),
        ("endpoint", "qstash listen --dev --port 3000"),
        ("message", "qstash publish --dev http://127.0.0.1:3000/orders item=book --wait"),
    )
)


def _environment(ctx: Context, url: str, directory: str) -> dict[str, str]:
    """Returns the environment of the demo's commands: the private server, and no pager."""
    env = {
        name: value
        for name, value in ctx.system.env.items()
        if not name.startswith("QSTASH_") and name != "PAGER"
    }
    env |= server_variables(url, DEV_USER) | {"QSTASH_CONFIG_DIR": directory}
    # In a single-file program (pex, shiv), the interpreter alone does not find the packages.
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return env if ctx.streams.out_is_terminal else env | {"COLUMNS": "200"}


def _deliver(stage: _Stage, endpoint: LocalEndpoint) -> None:
    stage.show(Rule("1. Publish a message"))
    stage.run("publish", f"{endpoint.url}/orders", "item=book", "n:=2", "--wait")
    message_id = endpoint.received[-1].header("Upstash-Message-Id")
    stage.run("logs", "--message", message_id, "--columns", "time,state,status")


def _verify(stage: _Stage, endpoint: LocalEndpoint) -> None:
    request = endpoint.received[-1]
    write_atomically(
        stage.directory / "signature.txt", request.header("Upstash-Signature").encode()
    )
    write_atomically(stage.directory / "body.json", request.body)
    stage.show(
        Rule("2. Verify its signature"),
        Paragraph("This needs no network. The endpoint received this body:"),
        Preformatted(request.body.decode()),
    )
    argv = ("verify", "--signature", "@signature.txt", "--url", f"{endpoint.url}{request.path}")
    stage.run(*argv, "--body", "@body.json")
    changed = json.dumps(json.loads(request.body))
    stage.show(Section(), Paragraph("A framework that parses the body and writes it again:"))
    stage.run(*argv, "--body", changed, expected=ExitCode.NOT_VERIFIED)


def _bury(stage: _Stage, endpoint: LocalEndpoint) -> None:
    stage.show(
        Rule("3. An endpoint that fails"),
        Paragraph("After one retry, the message is in the dead letter queue (DLQ)."),
    )
    stage.run(
        "publish", f"{endpoint.url}/broken", "item=pen", "--retries", "1", "--retry-delay", "100",
        "--wait", expected=ExitCode.NOT_DELIVERED,
    )  # fmt: skip
    stage.run("dlq", "list", "--columns", "dlqId,status,responseBody")


def _replay(stage: _Stage) -> None:
    stage.show(
        Rule("4. Retry from the DLQ"),
        Paragraph("The endpoint is repaired. The message gets a new id and leaves the DLQ."),
    )
    stage.run("dlq", "retry", stage.output_of("dlq", "list", "-q"), "--wait")
