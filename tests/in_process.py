"""Fixtures that run `qstash` in this process, with its own environment, streams and clock.

`qstash` has no credentials, `server_url` is a fresh embedded server, and `local` has the
credentials of that server.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.cli.context import Context
from qstash_cli.cli.run import run as run_cli
from qstash_cli.cli.streams import Streams
from qstash_cli.cli.system import System
from qstash_cli.completion import remote_values
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.leaks import leaked
from tests.stopping import stopped_later


@dataclass(frozen=True)
class Run:
    """The output and exit code of a `qstash` run."""

    argv: tuple[str, ...]
    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"$ qstash {shlex.join(self.argv)}\n{self.out}\n{self.err}\n(exit code {self.code})"


@dataclass(frozen=True)
class Invocation:
    """One invocation of `qstash` with captured output."""

    ctx: Context
    out: io.StringIO
    err: io.StringIO

    def run(self, *argv: str) -> Run:
        code = run_cli(argv, self.ctx)
        run = Run(argv, self.out.getvalue(), self.err.getvalue(), code)
        assert not leaked(argv, self.ctx.system.env, run.out, run.err), run
        return run


@dataclass
class Qstash:
    """Runs `qstash` in this process with its own environment and clock."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def hurry(self, clock: Callable[[], float] = time.time) -> None:
        """Makes sleeps advance only the clock, without waiting."""
        slept_s = 0.0

        def sleep(seconds: float) -> None:
            nonlocal slept_s
            slept_s += seconds

        self.now, self.sleep = (lambda: clock() + slept_s), sleep

    def __call__(
        self, *argv: str, tty: bool = False, stdin: bytes = b"", columns: int = 80, **env: str
    ) -> Run:
        return self.invocation(tty=tty, stdin=stdin, columns=columns, **env).run(*argv)

    def invocation(
        self, *, tty: bool = False, stdin: bytes = b"", columns: int = 80, **env: str
    ) -> Invocation:
        """Returns an invocation, whose context and output a test can use."""
        out, err = io.StringIO(), io.StringIO()
        streams = Streams(
            stdin=io.BytesIO(stdin),
            out=out,
            err=err,
            stdin_is_terminal=tty,
            out_is_terminal=tty,
            err_is_terminal=tty,
            columns=columns,
        )
        system = System(
            env={"QSTASH_CONFIG_DIR": str(self.home), "TZ": "UTC"} | self.env | env,
            home=self.home,
            now=self.now,
            sleep=self.sleep,
            random_bytes=os.urandom,
            run_command=_run_command,
        )
        return Invocation(Context(streams=streams, system=system), out, err)


def _run_command(command: Sequence[str]) -> str:
    return subprocess.run(  # noqa: S603 - a command of the test
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@pytest.fixture
def qstash(tmp_path: Path) -> Qstash:
    """`qstash` without credentials."""
    return Qstash(tmp_path / "config")


@pytest.fixture
def patient_completion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Completion waits for its values, which it would omit on a busy machine."""
    for limit in ("_LIMIT_S", "_TOKEN_COMMAND_LIMIT_S"):
        monkeypatch.setattr(remote_values, limit, 60)


@pytest.fixture
def server_url() -> Iterator[str]:
    """A fresh embedded server."""
    with stopped_later(running_server(ServerConfig(port=0))) as url:
        yield url


@pytest.fixture
def local(qstash: Qstash, server_url: str) -> Qstash:
    """`qstash` with the credentials of a fresh embedded server."""
    qstash.env |= {
        "QSTASH_URL": server_url,
        "QSTASH_TOKEN": DEV_USER.token,
        "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
        "QSTASH_NEXT_SIGNING_KEY": DEV_USER.next_signing_key,
    }
    return qstash
