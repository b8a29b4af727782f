"""Every command with every kind of failure and without a terminal: no prompts, no tracebacks, only
data, messages and documented exit codes.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.errors import ExitCode
from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import every_command
from tests.commands.api_server import api_server
from tests.e2e.conftest import QSTASH, plain_environment
from tests.every_command import ASKING, ENDLESS, OTHERS, argv
from tests.in_process import Qstash, Run

_MANIFEST = """
[queues.orders]
[schedules.report]
destination = "https://example.com/"
cron = "@daily"
"""
_RECORD = '{"destination":"https://example.com/hook","body":"one"}\n'
# Commands whose exit code depends on the content of the response.
DOCTOR = frozenset({ExitCode.DONE, ExitCode.FAILED, ExitCode.CREDENTIALS, ExitCode.UNREACHABLE})
# The exit code of each kind of response, and the commands that differ.
RESPONSES: dict[str, tuple[int, Any, int, Mapping[str, int]]] = {
    "refused token": (401, {"error": "invalid token"}, ExitCode.CREDENTIALS, {}),
    "not allowed": (403, {"error": "read-only token"}, ExitCode.CREDENTIALS, {}),
    "not found": (404, {"error": "not found"}, ExitCode.NOT_FOUND, {}),
    # `batch` continues with the other records if QStash rejects one.
    "over quota": (
        412,
        {"error": "quota exceeded"},
        ExitCode.RATE_LIMITED,
        {"batch": ExitCode.PARTLY_DONE},
    ),
    "rate limited": (429, {"error": "slow down"}, ExitCode.RATE_LIMITED, {}),
    "redirected": (302, {"error": "elsewhere"}, ExitCode.FAILED, {}),
    "broken": (500, {"error": "a fault"}, ExitCode.FAILED, {}),
    "unavailable": (503, {"error": "later"}, ExitCode.UNREACHABLE, {}),
    "no JSON": (200, b"<html>hello</html>", ExitCode.FAILED, {}),
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Creates the files that commands read."""
    (tmp_path / "qstash.toml").write_text(_MANIFEST)
    (tmp_path / "messages.jsonl").write_text(_RECORD)
    monkeypatch.chdir(tmp_path)


def test_every_command_is_in_the_table() -> None:
    assert sorted(every_command.names()) == sorted([*ASKING, *OTHERS, *ENDLESS])


def assert_ended(
    done: Run | subprocess.CompletedProcess[str], code: int | frozenset[ExitCode]
) -> None:
    """Asserts the exit code, that the output parses or is empty, and that the error comes last."""
    out, err = (done.out, done.err) if isinstance(done, Run) else (done.stdout, done.stderr)
    found = done.code if isinstance(done, Run) else done.returncode
    assert found in (code if isinstance(code, frozenset) else {code}), done
    assert found in set(ExitCode), done
    if out:
        json.loads(out)
    if found:
        error = json.loads(err.splitlines()[-1])
        assert set(error) == {"code", "message", "status", "hint"}, done
        assert error["message"], done
    assert "Traceback" not in err, done


@pytest.fixture
def cli(qstash: Qstash) -> Qstash:
    """`qstash` with all credentials, but without a server."""
    qstash.env |= {
        "QSTASH_TOKEN": DEV_USER.token,
        "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
        "XDG_CACHE_HOME": str(qstash.home),
    }
    return qstash


@pytest.fixture
def fast_cli(cli: Qstash) -> Qstash:
    """`qstash` without real sleeps."""
    cli.hurry()
    return cli


@pytest.mark.parametrize("kind", RESPONSES)
def test_each_kind_of_response_has_its_exit_code(fast_cli: Qstash, kind: str) -> None:
    status, content, code, others = RESPONSES[kind]
    responses = {(method, "/"): (status, content) for method in ("GET", "POST", "PATCH", "DELETE")}
    with api_server(responses=responses) as api:
        fast_cli.env["QSTASH_URL"] = api.url
        for name in ASKING:
            expected = DOCTOR if name == "doctor" else others.get(name, code)
            assert_ended(fast_cli(*argv(name), "-o", "json"), expected)


@pytest.mark.parametrize("content", [[], {}, None, "text", 7, [[]], [{}], {"logs": [{}]}])
def test_unexpected_json_causes_no_traceback(cli: Qstash, content: object) -> None:
    responses = {(method, "/"): (200, content) for method in ("GET", "POST", "PATCH", "DELETE")}
    with api_server(responses=responses) as api:
        cli.env["QSTASH_URL"] = api.url
        for name in ASKING:
            assert_ended(cli(*argv(name), "-o", "json"), frozenset(ExitCode))


def test_without_credentials_nothing_is_sent(qstash: Qstash) -> None:
    for name in ASKING:
        # The others find the server of this machine without credentials.
        if not name.startswith("dev "):
            assert_ended(qstash(*argv(name), "-o", "json"), ExitCode.CREDENTIALS)


def test_every_command_reports_wrong_usage(cli: Qstash) -> None:
    for name in ASKING | OTHERS:
        assert_ended(cli(*name.split(), "--no-such-flag", "-o", "json"), ExitCode.USAGE)
        assert_ended(cli(*argv(name), "-o", "json", "--query", "["), ExitCode.USAGE)
        assert_ended(cli(*argv(name), "--json", "--columns", "a"), ExitCode.USAGE)


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that accepts connections and never responds."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=512)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_never_responds_causes_a_timeout(cli: Qstash, silent: str) -> None:
    cli.env["QSTASH_URL"] = silent
    with ThreadPoolExecutor(len(ASKING)) as pool:
        pending = {
            name: pool.submit(cli, *argv(name), "--request-timeout", "1s", "-o", "json")
            for name in ASKING
            if name != "doctor"
        }
        for done in pending.values():
            assert_ended(done.result(timeout=120), ExitCode.UNREACHABLE)


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Returns a function that runs commands without a terminal or input."""
    (tmp_path / "config").mkdir(mode=0o700)
    (tmp_path / "config" / "config.toml").write_text(
        f'[profiles.prod]\napi_url = "http://127.0.0.1:9"\ntoken = "{DEV_USER.token}"\n'
        f'current_signing_key = "{DEV_USER.current_signing_key}"\n'
    )
    env = plain_environment(tmp_path) | {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}

    def process_(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - a command of the test
            [*QSTASH, *words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip

    return process_


def test_no_process_hangs_if_nothing_listens(
    process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    with ThreadPoolExecutor(4) as pool:
        pending = {
            name: pool.submit(process, *argv(name), "-p", "prod", "-o", "json") for name in ASKING
        }
        for name, done in pending.items():
            assert_ended(done.result(), DOCTOR if name == "doctor" else ExitCode.UNREACHABLE)


def test_no_process_waits_for_input(
    process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    asking_first = [name for name in ASKING if "--yes" in argv(name)]
    with ThreadPoolExecutor(4) as pool:
        unconfirmed = {
            name: pool.submit(process, *(w for w in argv(name) if w != "--yes"), "-p", "prod")
            for name in asking_first
            if name != "apply"
        }
        others = {name: pool.submit(process, *argv(name)) for name in OTHERS}
        for done in (one.result() for one in unconfirmed.values()):
            assert done.returncode == ExitCode.USAGE, done
            assert done.stderr.startswith("error: not confirmed: "), done
        for done in (one.result() for one in others.values()):
            assert done.returncode in set(ExitCode), done
            assert "Traceback" not in done.stderr, done
    assert process("config", "set", "fresh").returncode == ExitCode.USAGE
