"""`qstash dev` until it is ready, and its flags."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.e2e.conftest import QSTASH, Dev, plain_environment, run
from tests.ports import reserved_port, reserved_ports

StartDev = Callable[..., Dev]
Eventually = Callable[..., object]

MANIFEST = """
[queues.orders]
parallelism = 3

[flow.openai]
rate = 10

[urlgroups.team]
endpoints = ["http://127.0.0.1:3000/a", "http://127.0.0.1:3000/b"]

[schedules.nightly]
destination = "team"
cron = "0 3 * * *"
callback = { url = "http://127.0.0.1:3000/done", headers = { X-Of = "callback" } }
"""
LISTS = {"schedule": "nightly\n", "queue": "orders\n", "urlgroup": "team\n", "flow": "openai\n"}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "seed.toml"
    path.write_text(MANIFEST)
    return path


@pytest.fixture
def free_port() -> Iterator[str]:
    with reserved_port() as port:
        yield str(port)


@pytest.fixture
def free_ports() -> Iterator[list[str]]:
    with reserved_ports(4) as ports:
        yield list(map(str, ports))


@contextlib.contextmanager
def started(env: dict[str, str], *argv: str) -> Iterator[str]:
    """Runs a server for the duration of the block; yields its output until it is ready."""
    process = subprocess.Popen(  # noqa: S603 - a command of the test
        [*QSTASH, "dev", *argv], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if "running at" in line:
                break
        yield printed
    finally:
        process.kill()
        process.communicate()


def many_schedules(count: int) -> str:
    return "".join(
        f'[schedules.s{n}]\ndestination = "https://example.com/{n}"\ncron = "@daily"\n'
        for n in range(count)
    )


def test_the_manifest_is_applied_before_the_server_is_ready(
    start_dev: StartDev, manifest: Path
) -> None:
    dev = start_dev("--port", "0", "--seed", str(manifest))

    for word, names in LISTS.items():
        assert dev.qstash(word, "list", "-q").stdout == names
    assert dev.qstash("plan", "-f", str(manifest), "--check").returncode == 0


def test_a_second_start_on_the_same_database_changes_nothing(
    manifest: Path, tmp_path: Path
) -> None:
    def start(*argv: str) -> subprocess.CompletedProcess[str]:
        dev = [*QSTASH, "dev", "-v", "--seed", str(manifest), "--db", str(tmp_path / "db")]
        return run([*dev, "--", *QSTASH, *argv], plain_environment(tmp_path))

    first = start("queue", "set", "of-nobody")
    second = start("queue", "list", "-q")

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "seed.toml is applied: 4 created" in first.stderr
    assert "seed.toml is applied: nothing differs" in second.stderr
    assert set(re.findall(r"^> ([A-Z]+) ", second.stderr, re.MULTILINE)) == {"GET"}
    assert second.stdout == "of-nobody\norders\n"


def test_a_manifest_is_read_from_a_pipe(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a command of the test
        [*QSTASH, "dev", "--seed", "-", "--", *QSTASH, "queue", "list", "-q"],
        env=plain_environment(tmp_path), input="[queues.orders]", capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "orders\n"), done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ('[schedules.a]\ndestination = "https://example.com"\ncron = "x"', "schedules.a"),
        ("[queue.a]", "queue: unknown key of a manifest"),
        ("[queues", "is not valid TOML"),
    ],
)
@pytest.mark.parametrize("command", [(), ("--", "true")])
def test_an_invalid_manifest_is_rejected_before_the_server_starts(
    manifest: Path, tmp_path: Path, wrong: tuple[str, str], command: tuple[str, ...]
) -> None:
    text, words = wrong
    manifest.write_text(text)
    with socket.socket() as taken:
        # A started server would report this first.
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(
            [*QSTASH, "dev", "--port", port, "--seed", str(manifest), *command],
            plain_environment(tmp_path),
        )

    assert done.returncode == 2, done.stderr
    assert str(manifest) in done.stderr
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", [(), ("--", "echo", "it ran")])
def test_a_failed_step_stops_the_server_and_is_reported(
    manifest: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    manifest.write_text(many_schedules(11))
    ready = tmp_path / "ready"

    done = run(
        [*QSTASH, "dev", "--port", "0", "--quota", "free", "--seed", str(manifest),
         "--ready-file", str(ready), *command],
        plain_environment(tmp_path),
    )  # fmt: skip

    assert done.returncode == 5, done.stderr
    assert re.search(
        r"seed.toml was not applied: create schedule s\d+: .*maxSchedules", done.stderr
    )
    assert done.stdout == ""
    assert not ready.exists()
    assert "Traceback" not in done.stderr


def test_limits_of_the_plan_are_checked_before_the_start(manifest: Path, tmp_path: Path) -> None:
    manifest.write_text(
        '[schedules.a]\ndestination = "https://example.com"\ncron = "@daily"\ndelay = "30d"'
    )

    done = run(
        [*QSTASH, "dev", "--port", "0", "--quota", "free", "--seed", str(manifest)],
        plain_environment(tmp_path),
    )

    assert (done.returncode, "schedules.a" in done.stderr) == (2, True), done.stderr


def test_a_schedule_for_an_unknown_group_is_a_warning(manifest: Path, tmp_path: Path) -> None:
    manifest.write_text('[schedules.a]\ndestination = "nobody"\ncron = "@daily"')

    done = run([*QSTASH, "dev", "--seed", str(manifest), "--", "true"], plain_environment(tmp_path))

    assert "warning: schedule a publishes to a URL group that does not exist: nobody" in done.stderr


def test_ctrl_c_stops_a_server_that_is_not_ready(
    manifest: Path, tmp_path: Path, free_port: str, eventually: Eventually
) -> None:
    # With the plan's limit of 100 requests per second, this takes a minute at least.
    manifest.write_text(many_schedules(6000))
    process = subprocess.Popen(  # noqa: S603 - a command of the test
        [*QSTASH, "dev", "-port", free_port, "-quota", "fixed", "--seed", str(manifest),
         "--ready-file", str(tmp_path / "ready")],
        env=plain_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        asked = [*QSTASH, "schedule", "list", "-q", "--dev"]
        env = plain_environment(tmp_path) | {"QSTASH_DEV_PORT": free_port}
        eventually(lambda: "s1\n" in run(asked, env).stdout)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()

    assert (out, err, process.returncode) == ("", "", 0)
    assert not (tmp_path / "ready").exists()


@pytest.mark.parametrize(
    "flags", [("-port", "PORT", "-quota", "pro"), ("-port=PORT", "-quota=payg"), ("--port=PORT",)]
)
def test_the_flags_of_the_official_server_are_accepted(
    start_dev: StartDev, free_port: str, flags: tuple[str, ...]
) -> None:
    dev = start_dev(*(one.replace("PORT", free_port) for one in flags))

    assert dev.url == f"http://127.0.0.1:{free_port}"


def test_the_quota_flag_with_one_dash_is_applied(start_dev: StartDev) -> None:
    dev = start_dev("-port", "0", "-quota", "payg")

    refused = dev.qstash("publish", "http://127.0.0.1:9/", "--retries", "6", "--no-check")

    assert refused.returncode == 5
    assert "maxRetries" in refused.stderr


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("-p", "0"), "no such option: -p"),
        (("-por", "0"), "no such option"),
        (("-log", "0"), "no such option"),
        (("-port", "x"), "--port: not a port: 'x'"),
        (("-log-port", "70000"), "--log-port: not a port"),
        (("-port", "8099", "-log-port", "8099"), "--log-port is the same as the port"),
        (("-quota", "gold"), "one of none, free, payg, fixed, pro"),
    ],
)
def test_similar_flags_are_rejected(tmp_path: Path, argv: tuple[str, ...], words: str) -> None:
    done = run([*QSTASH, "dev", *argv], plain_environment(tmp_path))

    assert done.returncode == 2, done.stderr
    assert words in done.stderr.lower()


@pytest.mark.parametrize("flag", ["-log-port", "--log-port"])
def test_the_logs_are_also_served_on_the_log_port(
    start_dev: StartDev, free_port: str, flag: str
) -> None:
    dev = start_dev("--port", "0", flag, free_port)
    log_url = f"http://127.0.0.1:{free_port}"
    dev.qstash("publish", "http://127.0.0.1:9/", "--retries", "0", "--wait")

    at = ("--api-url", log_url, "--token", dev.env["QSTASH_TOKEN"])
    logs = dev.qstash("logs", *at, "-o", "json")

    assert log_url in dev.printed
    assert dev.url != log_url
    assert json.loads(logs.stdout) == json.loads(dev.qstash("logs", "-o", "json").stdout) != []


def test_a_log_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run([*QSTASH, "dev", "--port", "0", "--log-port", port], plain_environment(tmp_path))

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "--log-port" in done.stderr


def test_the_variables_of_the_official_server_are_applied(
    tmp_path: Path, free_ports: list[str]
) -> None:
    port, log_port, *_ = free_ports
    env = plain_environment(tmp_path) | {
        "QSTASH_DEV_PORT": port, "QSTASH_DEV_LOG_PORT": log_port, "QSTASH_DEV_QUOTA": "free",
    }  # fmt: skip
    with started(env) as printed:
        assert f"running at http://127.0.0.1:{port}\n" in printed
        assert f"http://127.0.0.1:{log_port}\n" in printed
        too_many = [*QSTASH, "publish", "--dev", "http://127.0.0.1:9/", "--retries", "4"]
        refused = run(too_many, env)
        assert "quota maxRetries exceeded, current limit: 3" in refused.stderr


def test_flags_override_variables(tmp_path: Path, free_ports: list[str]) -> None:
    port, log_port, other_port, other_log_port = free_ports
    env = plain_environment(tmp_path) | {
        "QSTASH_DEV_PORT": other_port, "QSTASH_DEV_LOG_PORT": other_log_port,
        "QSTASH_DEV_QUOTA": "free",
    }  # fmt: skip
    with started(env, "--port", port, "--log-port", log_port, "--quota", "payg") as printed:
        assert f"running at http://127.0.0.1:{port}\n" in printed
        assert f"http://127.0.0.1:{log_port}\n" in printed
        at = ("--token", DEV_USER.token, "--api-url", f"http://127.0.0.1:{port}")
        refused = run([*QSTASH, "publish", "http://127.0.0.1:9/", "--retries", "6", *at], env)
        assert "quota maxRetries exceeded, current limit: 5" in refused.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("QSTASH_DEV_PORT", "eighty", "QSTASH_DEV_PORT is not a port: 'eighty'"),
        ("QSTASH_DEV_LOG_PORT", "0", "QSTASH_DEV_LOG_PORT is not a port: '0'"),
        ("QSTASH_DEV_QUOTA", "gold", "QSTASH_DEV_QUOTA is not a plan: 'gold'"),
    ],
)
def test_an_invalid_variable_is_rejected_by_name(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    env = plain_environment(tmp_path) | {name: value}

    server = run([*QSTASH, "dev"], env)

    assert (server.returncode, server.stdout) == (2, "")
    assert f"error: {words}" in server.stderr
    if name == "QSTASH_DEV_PORT":
        client = run([*QSTASH, "queue", "list", "--dev"], env)
        assert client.returncode == 2
        assert f"error: {words}" in client.stderr


def test_a_private_server_uses_a_free_port_despite_the_variable(
    tmp_path: Path, free_ports: list[str]
) -> None:
    log_port = free_ports[0]
    too_many = (*QSTASH, "publish", "http://127.0.0.1:9/", "--retries", "4")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = plain_environment(tmp_path) | {
            "QSTASH_DEV_PORT": port, "QSTASH_DEV_LOG_PORT": log_port, "QSTASH_DEV_QUOTA": "free",
        }  # fmt: skip
        shown = run([*QSTASH, "dev", "--", "sh", "-c", "echo $QSTASH_URL"], env)
        refused = run([*QSTASH, "dev", "--", *too_many], env)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", shown.stdout), shown.stderr
    assert port not in shown.stdout
    assert "quota maxRetries exceeded, current limit: 3" in refused.stderr
