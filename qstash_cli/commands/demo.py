"""`qstash demo`: a message's whole life, in the commands themselves."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.variable_lines import server_variables
from qstash_cli.commands.common.views import RAW
from qstash_cli.errors import ExitCode, QstashError
from qstash_cli.files import write_atomically
from qstash_cli.output.result import Result
from qstash_cli.protocol.dev_credentials import DEV_USER

if TYPE_CHECKING:
    from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received

app = group()


@dataclass
class _Shop:
    """The demo's endpoint: its /broken path refuses until it is repaired."""

    is_repaired: bool = False

    def response(self, request: Received) -> tuple[int, bytes]:
        if request.path == "/broken" and not self.is_repaired:
            return 500, b"out of paper"
        return 200, b"thank you"


@dataclass
class _Stage:
    """Where the commands of the demo run: a server, a directory, and somebody watching."""

    ctx: Context
    directory: Path
    env: dict[str, str]
    failed: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.ctx.streams.out.write(f"\n{text}\n")
        self.ctx.streams.out.flush()

    def run(self, *arguments: str, expected: ExitCode = ExitCode.DONE) -> str:
        """Runs a command as a user would, shows it and what it says, and returns its output."""
        self.ctx.streams.out.write(f"\n  $ {shlex.join(['qstash', *arguments])}\n")
        self.ctx.streams.out.flush()
        done = subprocess.run(  # noqa: S603 - this very program
            [sys.executable, "-m", "qstash_cli", *arguments],
            env=self.env,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        for line in done.stdout.splitlines():
            self.ctx.streams.out.write(f"  {line}\n")
        if done.returncode != ExitCode.DONE:
            self.ctx.streams.out.write(f"  (exit code {done.returncode})\n")
        if done.returncode != expected:
            raise QstashError(
                f"the demo's command ended with {done.returncode} instead of {expected:d}",
                hint="this is a defect of qstash itself; report it with the lines above",
            )
        return done.stdout.strip()


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
        env = {n: v for n, v in ctx.system.env.items() if not n.startswith("QSTASH_")}
        env |= server_variables(url, DEV_USER) | {"QSTASH_CONFIG_DIR": directory, "COLUMNS": "200"}
        stage = _Stage(ctx, Path(directory), env)
        stage.say(f"QStash runs at {url}, and an endpoint at {endpoint.url}.")
        _deliver(stage, endpoint)
        _verify(stage, endpoint)
        _bury_and_replay(stage, endpoint, shop)
        stage.say("That was all of it. Next: `qstash dev` in one terminal, and in another")
        stage.say("  $ qstash publish --dev http://127.0.0.1:3000/orders item=book --wait")
    return Result(data=[], view=RAW, text="")


def _deliver(stage: _Stage, endpoint: LocalEndpoint) -> None:
    stage.say("1. Publish a message and follow it to its end. In a pipe only its id is printed.")
    message_id = stage.run("publish", f"{endpoint.url}/orders", "item=book", "n:=2", "--wait")
    request = endpoint.received[-1]
    stage.say("   The endpoint received:")
    stage.ctx.streams.out.write(f"\n  {request.method} {request.path}\n")
    for name, value in request.headers:
        if name.lower().startswith(("upstash-", "content-type")):
            stage.ctx.streams.out.write(f"  {name}: {value[:60]}{'…' if len(value) > 60 else ''}\n")
    stage.ctx.streams.out.write(f"\n  {request.body.decode()}\n")
    stage.say("   The log remembers every step, newest first:")
    stage.run("logs", "--message", message_id, "--columns", "state,status,destination")


def _verify(stage: _Stage, endpoint: LocalEndpoint) -> None:
    request = endpoint.received[-1]
    write_atomically(
        stage.directory / "signature.txt", request.header("Upstash-Signature").encode()
    )
    write_atomically(stage.directory / "body.json", request.body)
    stage.say("2. Is it from QStash? Checked offline, claim by claim.")
    against = ("--url", f"{endpoint.url}{request.path}", "--columns", "check,outcome")
    stage.run("verify", "--signature", "@signature.txt", "--body", "@body.json", *against)
    stage.say("   With another body it is not, and the exit code says so:")
    stage.run(
        "verify", "--signature", "@signature.txt", "--body", '{"item":"all"}', *against,
        expected=ExitCode.NOT_VERIFIED,
    )  # fmt: skip


def _bury_and_replay(stage: _Stage, endpoint: LocalEndpoint, shop: _Shop) -> None:
    stage.say("3. An endpoint that fails: one retry after 100 ms, then the dead letter queue.")
    stage.run(
        "publish", f"{endpoint.url}/broken", "item=pen", "--retries", "1", "--retry-delay", "100",
        "--wait", expected=ExitCode.NOT_DELIVERED,
    )  # fmt: skip
    stage.run("dlq", "list", "--columns", "dlqId,status,responseBody,destination")
    dlq_id = stage.run("dlq", "list", "-q")
    stage.say("4. The endpoint is repaired; the message is replayed under a new id.")
    shop.is_repaired = True
    stage.run("dlq", "retry", dlq_id, "--wait")
    stage.run("dlq", "list")
