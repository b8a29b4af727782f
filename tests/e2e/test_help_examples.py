"""Every example of the help texts runs unchanged in a real shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qstash_cli.cli.index import INDEX
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.signature import sign
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.conftest import plain_environment
from tests.e2e.watched import connections, watched

# Commands that run until they are stopped, or that have tests of their own.
ENDLESS = ("qstash dev", "qstash demo", "qstash logs --follow", "qstash listen", "qstash top",
           "qstash config login", "qstash mcp")  # fmt: skip
# Their destinations have no handler.
NOBODY_THERE = "qstash replay"
# Their exit codes report the verdict or state that the example describes.
CODES = {
    "qstash urlgroup check team": 1,
    "qstash urlgroup check team -o json": 1,
    "qstash probe http://127.0.0.1:3000/hook --dev": 1,
    "qstash probe http://127.0.0.1:3000/hook --dev -o json": 1,
    "qstash plan --check": 9,
    "qstash workflow wait wfr_123 --wait-timeout 5m": 8,
    "qstash workflow wait wfr_123 -o json --query workflowRunResponse": 8,
    "qstash plan --check --prune": 9,
}


def of_the_help() -> Iterator[str]:
    for name, command in INDEX.all_commands():
        examples = re.findall(r"^(?:qstash|source|eval) .*$", command.help, re.MULTILINE)
        assert examples, f"{name} has no example"
        yield from examples


_MANIFEST = b"""
[queues.orders]
[schedules.report]
destination = "https://example.com/hook"
cron = "0 3 * * *"
"""
EXAMPLES = sorted(set(of_the_help()))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    """A server that routes the examples' URLs to a sink, and the URL of the sink."""
    refused: set[bytes] = set()

    def respond(request: Received) -> tuple[int, bytes]:
        is_new = request.path == "/refused-at-first" and request.body not in refused
        refused.add(request.body)
        return (503 if is_new else 200), b"ok"

    with running_endpoint(respond) as endpoint:
        routes = tuple(
            (origin, endpoint.url) for origin in ("https://example.com", "http://127.0.0.1:3000")
        )
        with running_server(ServerConfig(port=0, routes=routes)) as url:
            yield url, endpoint.url


@pytest.mark.parametrize("example", [e for e in EXAMPLES if not e.startswith(ENDLESS)])
def test_the_example_runs(example: str, server: tuple[str, str], tmp_path: Path) -> None:
    url, sink = server
    env = plain_environment(tmp_path) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "QSTASH_URL": url,
        "QSTASH_TOKEN": DEV_USER.token,
        "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
        "QSTASH_DEV_PORT": url.rpartition(":")[2],
        "HOME": str(tmp_path),
    }
    _prepare(tmp_path)
    _profiles(env, tmp_path, url)
    (tmp_path / ".env").write_text(f"QSTASH_URL={url}\nQSTASH_TOKEN={DEV_USER.token}\n")
    # The server's routes do not apply to requests that the command itself sends.
    asked = example.replace("--probe https://example.com", f"--probe {sink}")
    script = _with_real_ids(asked, env, tmp_path)

    done = subprocess.run(  # noqa: S603 - an example of ours
        ["/bin/bash", "-euo", "pipefail", "-c", script], env=watched(env, tmp_path), cwd=tmp_path,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    command = example.partition(" #")[0].rstrip()
    code = CODES.get(command, 8 if command.startswith(NOBODY_THERE) else 0)
    assert done.returncode == code, f"{script}\n{done.stdout}\n{done.stderr}"
    # No telemetry and no update checks: it connects only to this machine.
    assert all(_is_here(one) for one in connections(tmp_path)), connections(tmp_path)


def _is_here(connection: str) -> bool:
    event, _, place = connection.partition(" ")
    if event == "socket.connect":
        return place.startswith(("('127.0.0.1', ", "('::1', "))
    return place in {"127.0.0.1", "::1", "localhost"}


def _prepare(directory: Path) -> None:
    body, url = b'{"id":1}', "https://example.com/hook"
    files = {
        "order.json": body,
        "orders.csv": b"id\n1\n",
        "orders.json": b'[{"id":1}]',
        "messages.jsonl": b'{"destination":"https://example.com/hook","body":"one"}\n',
        "qstash.toml": _MANIFEST,
        "token.txt": b"token-of-the-examples\n",
        "key.txt": DEV_USER.current_signing_key.encode(),
        "body.bin": body,
        "signature.txt": sign(
            DEV_USER.current_signing_key, url=url, body=body, now=time.time(), token_id="jwt_1",
            lifetime_s=86_400,
        ).encode(),
    }  # fmt: skip
    files["capture.http"] = (
        b"POST /hook HTTP/1.1\nHost: example.com\nUpstash-Signature: "
        + files["signature.txt"]
        + b"\n\n"
        + body
    )
    for name, content in files.items():
        (directory / name).write_bytes(content)
    (directory / ".config/fish/completions").mkdir(parents=True)


def _profiles(env: dict[str, str], directory: Path, url: str) -> None:
    config = directory / "config"
    config.mkdir(mode=0o700)
    (config / "config.toml").touch(mode=0o600)
    (config / "config.toml").write_text(
        f'default = "prod"\n[profiles.prod]\napi_url = "{url}"\ntoken = "{DEV_USER.token}"\n'
        f'[profiles.staging]\napi_url = "{url}"\ntoken = "x"\n'
        + "".join(
            f'[profiles.{name}]\napi_url = "{url}"\ntoken = "{DEV_USER.token}"\n'
            for name in ("eu", "us")
        )
    )
    assert env["QSTASH_CONFIG_DIR"] == str(config)


def _with_real_ids(example: str, env: dict[str, str], directory: Path) -> str:
    def qstash(*argv: str) -> str:
        return subprocess.run(  # noqa: S603 - a command of the test
            [sys.executable, "-m", "qstash_cli", *argv], env=env, cwd=directory,
            capture_output=True, text=True, check=False,
        ).stdout.strip()  # fmt: skip

    _make_what_is_named(example, qstash)
    if "bulk_123" in example:
        qstash("message", "cancel", "--label", "nobody", "--yes")
        example = example.replace("bulk_123", qstash("message", "actions", "-q").split()[0])
    delay = () if " wait " in example else ("--delay", "1h")
    if "msg_123" in example:
        message_id = qstash("publish", "https://example.com/hook", "a=1", *delay)
        example = example.replace("msg_123", message_id)
    if example.startswith("qstash workflow"):
        run_id = _start_run(qstash, "0s" if " wait " in example else "1h")
        example = example.replace("wfr_123", run_id)
    if "1725323658779-0" in example:
        _bury(qstash)
        example = example.replace("1725323658779-0", qstash("dlq", "list", "-q").split()[-1])
    if "67281d61" in example:
        _bury(qstash)
        example = example.replace("67281d61", qstash("dlq", "group", "-q").split()[0])
    if example.startswith("qstash config set prod") and "<" not in example:
        # The hidden prompt; off a terminal the token is read from standard input.
        return f"{example.partition('#')[0]} < token.txt"
    return example


def _start_run(qstash: Callable[..., str], delay: str) -> str:
    """Starts a workflow run. Nothing at its destination runs workflows, so its first step fails."""
    headers = ("-H", f"Upstash-Delay: {delay}", "-H", "Upstash-Retries: 0", "-d", "{}")
    started = qstash("api", "POST", "/v2/trigger/https://example.com/onboard", *headers)
    return str(json.loads(started)["workflowRunId"])


def _bury(qstash: Callable[..., str]) -> None:
    refusing = "https://example.com/refused-at-first"
    qstash("publish", refusing, f"at={time.time_ns()}", "--retries", "0", "--wait")


def _make_what_is_named(example: str, qstash: Callable[..., str]) -> None:
    if " team" in example:
        qstash("urlgroup", "add", "team", "https://example.com/a")
    if example.startswith("qstash urlgroup check team"):
        qstash("urlgroup", "delete", "team", "--yes")
        qstash("urlgroup", "add", "team", "http://127.0.0.1:9/")
    if example.startswith("qstash schedule create"):
        qstash("schedule", "delete", "report", "--yes")
    elif example.startswith("qstash schedule"):
        qstash("schedule", "create", "https://example.com/", "--cron", "@daily", "--id", "report")
    if example.startswith("qstash replay --status"):
        _bury(qstash)
    if example.startswith("qstash plan --check"):
        qstash("queue", "set", "orders", "--parallelism", "7")
    if example.startswith("qstash flow"):
        qstash("flow", "pin", "api", "--rate", "5")
    if example.startswith(("qstash queue", "qstash check")):
        qstash("queue", "set", "orders")
