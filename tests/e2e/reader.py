"""A reader who runs the commands of one page: a directory, an account, and an endpoint."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.signature import sign
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.conftest import plain_environment
from tests.e2e.fences import Command
from tests.e2e.watched import watched
from tests.in_process import Qstash
from tests.ports import reserved_ports

EXIT_CODES = {
    "qstash urlgroup check team": 1,
    "qstash probe http": 1,
    "qstash plan --check": 9,
    "qstash logs --follow": 130,
    "qstash workflow wait": 8,
}
# They run until they are stopped; their first line, by which they are known to run.
SERVERS = {"qstash dev": "running at", "qstash listen": "listening at"}
_SYNTAX = re.compile(r"[|<>&;`$]|^(?!qstash )")
_STOP_S = 120
_PORTS = (3000, 8080, 8081)
_MANIFEST = """
[queues.orders]
[schedules.report]
destination = "https://example.com/hook"
cron = "0 3 * * *"
"""


@dataclass
class Ran:
    """A command with what it printed."""

    command: Command
    script: str
    output: str
    code: int
    expected: int

    def __str__(self) -> str:
        return (
            f"{self.command.place}: exit code {self.code}, expected {self.expected}\n"
            f"$ {self.script}\n{self.output}"
        )


@dataclass
class Reader:
    """Runs commands in `home` against the server at `url`, whose destinations are at `sink`."""

    home: Path
    url: str
    manual_url: str
    sink: str
    qstash: Qstash

    @property
    def env(self) -> dict[str, str]:
        return {
            "QSTASH_URL": self.url,
            "QSTASH_TOKEN": DEV_USER.token,
            "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
            "QSTASH_DEV_PORT": self.url.rpartition(":")[2],
            "HOME": str(self.home),
        }

    def run(self, command: Command) -> Ran:
        """Runs a command as its kind requires: in this process, in bash, or until it is ready."""
        bare = _without_comment(command.text)
        script = self._with_real_ids(bare)
        expected = next((code for start, code in EXIT_CODES.items() if bare.startswith(start)), 0)
        if not _SYNTAX.search(bare) and not _is_process(bare):
            output, code = self._here(script)
        elif _is_endless(bare):
            output, code = self._until_ready(script)
        else:
            output, code = self._in_bash(script)
        return Ran(command, script, output, code, expected)

    def _here(self, script: str) -> tuple[str, int]:
        argv = shlex.split(script)[1:]
        env = self.env | ({"QSTASH_URL": self.manual_url} if argv[:2] == ["dev", "clock"] else {})
        env |= {"SHELL": "/bin/bash"}
        if argv[0] == "doctor":
            # An example before it may have rotated the keys of the account.
            env["QSTASH_CURRENT_SIGNING_KEY"] = ""
        stdin = b"token-of-the-examples\n" if argv[:2] == ["config", "set"] else b""
        before = self.qstash.sleep
        if "--follow" in argv:
            self.qstash.sleep = _interrupt
        try:
            self.qstash.env = env
            run = self.qstash(*argv, stdin=stdin)
        finally:
            self.qstash.sleep = before
        return f"{run.out}\n{run.err}", run.code

    def _bash(self, script: str) -> subprocess.Popen[str]:
        env = plain_environment(self.home) | self.env
        # A reader's project does not have the plugins of our tests, which take 2 s to load.
        env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        stop_jobs = "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n" if "&\n" in script else ""
        return subprocess.Popen(  # noqa: S603 - a command of the documentation
            ["/bin/bash", "-euo", "pipefail", "-c", stop_jobs + script],
            env=watched(env, self.home), cwd=self.home, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def _in_bash(self, script: str) -> tuple[str, int]:
        with _free_ports(script) as free:
            process = self._bash(free)
            try:
                output, _ = process.communicate(timeout=_STOP_S)
            finally:
                process.kill()
        return output, process.returncode

    def _until_ready(self, script: str) -> tuple[str, int]:
        """Stops a server as soon as it says that it runs; the code is 0 if it said so."""
        ready = next(line for start, line in SERVERS.items() if script.startswith(start))
        lines: list[str] = []
        with _free_ports(script) as free:
            process = self._bash(f"exec {free}")
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if ready in line or '"event":"ready"' in line.replace(" ", ""):
                    process.terminate()
                    rest, _ = process.communicate(timeout=_STOP_S)
                    return "".join(lines) + rest, 0
            return "".join(lines), process.wait(_STOP_S) or 1

    def _with_real_ids(self, example: str) -> str:
        make_what_is_named(example, self)
        # The server's routes do not apply to requests that the command itself sends.
        example = example.replace("--probe https://example.com", f"--probe {self.sink}")
        if "bulk_123" in example:
            self._quiet("message", "cancel", "--label", "nobody", "--yes")
            example = example.replace(
                "bulk_123", self._quiet("message", "actions", "-q").split()[0]
            )
        delay = () if " wait " in example else ("--delay", "1h")
        if "msg_123" in example:
            message_id = self._quiet("publish", "https://example.com/hook", "a=1", *delay)
            example = example.replace("msg_123", message_id.strip())
        if "wfr_123" in example:
            example = example.replace("wfr_123", self._start_run("0s" if not delay else "1h"))
        if "workflow dlq" in example and "1725323658779-0" in example:
            example = example.replace("1725323658779-0", self._fail_run())
        if "1725323658779-0" in example:
            self.bury()
            example = example.replace(
                "1725323658779-0", self._quiet("dlq", "list", "-q").split()[-1]
            )
        if "67281d61" in example:
            self.bury()
            example = example.replace("67281d61", self._quiet("dlq", "group", "-q").split()[0])
        if not example.startswith("qstash listen") and "&\n" not in example:
            example = example.replace("http://127.0.0.1:3000", self.sink)
        return example

    def _fail_run(self) -> str:
        """Returns the DLQ id of a new run that has failed, and has reported that."""
        run_id = self._start_run("0s", "-H", "Upstash-Failure-Callback: https://example.com/failed")
        self._quiet("workflow", "wait", run_id)
        return self._quiet("workflow", "dlq", "list", "--run", run_id, "-q").strip()

    def _start_run(self, delay: str, *more: str) -> str:
        """Starts a workflow run. Its destination runs no workflows, so its first step fails."""
        headers = ("-H", f"Upstash-Delay: {delay}", "-H", "Upstash-Retries: 0", "-d", "{}", *more)
        trigger = ("api", "POST", "/v2/trigger/https://example.com/onboard", *headers)
        return str(json.loads(self._quiet(*trigger))["workflowRunId"])

    def _quiet(self, *argv: str) -> str:
        self.qstash.env = self.env
        return self.qstash(*argv).out

    def quiet(self, *argv: str) -> None:
        """Prepares something; it may be there already."""
        self._quiet(*argv)

    def bury(self) -> None:
        """Puts a message into the DLQ, which a retry will deliver."""
        refusing = "https://example.com/refused-at-first"
        self._quiet("publish", refusing, f"at={time.time_ns()}", "--retries", "0", "--wait")


# What examples that start like this assume in the account, created in order.
_ASSUMED = (
    ("qstash urlgroup", "urlgroup add team https://example.com/a"),
    ("qstash urlgroup remove", "urlgroup add team https://example.com/c --name third"),
    ("qstash urlgroup check team", "urlgroup delete team --yes"),
    ("qstash urlgroup check team", "urlgroup add team http://127.0.0.1:9/"),
    ("qstash publish team", "urlgroup add team https://example.com/a"),
    ("qstash schedule", "schedule create https://example.com/ --cron @daily --id report"),
    ("qstash schedule create", "schedule delete report --yes"),
    ("qstash plan --check", "queue set orders --parallelism 7"),
    ("qstash flow", "flow pin api --rate 5 --parallelism 2"),
    ("qstash queue", "queue set orders"),
    ("qstash queue", "queue resume orders"),
    ("qstash check", "queue set orders"),
    ("qstash check", "queue resume orders"),
    ("qstash check", "dlq delete --all --yes"),
    ("qstash check", "schedule delete report --yes"),
)


def make_what_is_named(example: str, reader: Reader) -> None:
    """Creates what an example assumes in the account and in the directory."""
    for start, command in _ASSUMED:
        if example.startswith(start):
            reader.quiet(*command.split())
    if example.startswith("qstash replay --status"):
        reader.bury()
    for journal in reader.home.glob("*.journal"):
        journal.unlink()
    prepare_files(reader.home, reader.url)


@contextlib.contextmanager
def reading(home: Path) -> Iterator[Reader]:
    """Yields a reader with a fresh account, whose destinations all exist."""
    refused: set[bytes] = set()

    def respond(request: Received) -> tuple[int, bytes]:
        is_new = request.path == "/refused-at-first" and request.body not in refused
        refused.add(request.body)
        return (503 if is_new else 200), b"ok"

    with running_endpoint(respond) as endpoint:
        routes = (("https://example.com", endpoint.url),)
        with (
            running_server(ServerConfig(port=0, routes=routes)) as url,
            running_server(ServerConfig(port=0, speed=0)) as manual_url,
        ):
            (home / "config").mkdir(mode=0o700)
            (home / ".config/fish/completions").mkdir(parents=True)
            yield Reader(home, url, manual_url, endpoint.url, Qstash(home / "config"))


def prepare_files(home: Path, url: str) -> None:
    """Writes the files that examples name, and the profiles."""
    body, signed_url, key = '{"id":1}', "https://example.com/hook", DEV_USER.current_signing_key
    signature = sign(
        key, url=signed_url, body=body.encode(), now=time.time(), token_id="jwt_1",
        lifetime_s=86_400,
    )  # fmt: skip
    files = {
        "order.json": body,
        "orders.csv": "id\n1\n",
        "orders.json": '[{"id":1}]',
        "messages.jsonl": '{"destination":"https://example.com/hook","body":"one"}\n',
        "qstash.toml": _MANIFEST,
        "token.txt": "token-of-the-examples\n",
        "key.txt": key,
        "body.bin": body,
        "signature.txt": signature,
        "capture.http": (
            f"POST /hook HTTP/1.1\nHost: example.com\nUpstash-Signature: {signature}\n\n{body}"
        ),
        "test_project.py": "import os\n\n\ndef test_it():\n    assert os.environ['QSTASH_TOKEN']\n",
        ".env": f"QSTASH_URL={url}\nQSTASH_TOKEN={DEV_USER.token}\n",
    }
    for name, content in files.items():
        (home / name).write_text(content)
    profiles = (("prod", DEV_USER.token), ("staging", "x"), ("eu", DEV_USER.token),
                ("us", DEV_USER.token))  # fmt: skip
    config = home / "config" / "config.toml"
    config.touch(mode=0o600)
    config.write_text(
        'default = "prod"\n'
        + "".join(
            f'[profiles.{name}]\napi_url = "{url}"\ntoken = "{token}"\n' for name, token in profiles
        )
    )


def _without_comment(text: str) -> str:
    return text if "\n" in text else re.sub(r"\s+#.*", "", text)


def _is_process(command: str) -> bool:
    """Whether a command starts a server or a program, or reads the process's own input."""
    return _is_endless(command) or command.startswith(("qstash dev --", "qstash mcp"))


def _is_endless(command: str) -> bool:
    return (
        command.startswith(tuple(SERVERS))
        and not command.startswith(("qstash dev clock", "qstash dev snapshot"))
        and " -- " not in command
        and "|" not in command
        and "\n" not in command
    )


@contextlib.contextmanager
def _free_ports(script: str) -> Iterator[str]:
    """Yields the script with free ports instead of its own, and with one for a server without."""
    with reserved_ports(len(_PORTS)) as free:
        for port, own in zip(_PORTS, free, strict=True):
            script = re.sub(rf"(--port |127\.0\.0\.1:){port}\b", rf"\g<1>{own}", script)
        if script.startswith("qstash dev") and "--port" not in script:
            script = script.replace("qstash dev", "qstash dev --port 0", 1)
        yield script


def _interrupt(_seconds: float) -> None:
    """Presses Ctrl+C while the command waits."""
    raise KeyboardInterrupt
