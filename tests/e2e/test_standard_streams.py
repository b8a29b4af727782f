"""Closed and full standard streams: a message where one can be written, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.commands.api_server import KEYS, api_server
from tests.e2e.conftest import QSTASH, plain_environment
from tests.every_command import ASKING, OTHERS, argv

_RESPONSES: Mapping[tuple[str, str], tuple[int, Any]] = {
    ("GET", "/v2/logs"): (200, {"logs": [{"messageId": "msg_1", "state": "ERROR", "time": 1}]}),
    ("GET", "/v2/queues"): (
        200,
        [{"name": "orders", "parallelism": 1, "lag": 0, "paused": False}],
    ),
    ("GET", "/v2/keys"): (200, KEYS),
    ("POST", "/v2/publish"): (200, {"messageId": "msg_1"}),
    ("POST", "/v2/batch"): (200, [{"messageId": "msg_1"}]),
    ("POST", "/v2/queues"): (200, None),
}
_PROFILES = """
default = "prod"
[profiles.prod]
token = "prod-token"
"""
# Shell redirections, and the reason why writing to standard output fails.
FORMS = {
    "<&-": "",
    "2>&-": "",
    "2>/dev/full": "",
    "<&- 2>&-": "",
    ">&-": "it is closed",
    "<&- >&- 2>&-": "it is closed",
    ">/dev/full": "No space left on device",
    ">/dev/full 2>/dev/full": "No space left on device",
}
FEW_FORMS = ("<&-", "2>&-", ">&-", ">/dev/full")
FEW: dict[str, Sequence[str]] = {
    "version": ("--version",),
    "help": ("--help",),
    "wrong usage": ("publish", "--nonsense"),
    "publish": ("publish", "https://example.com/", "a=1"),
    "queue list": ("queue", "list", "-o", "json"),
    "logs": ("logs", "-o", "table"),
    "verify": argv("verify"),
    "batch": ("batch", "messages.jsonl"),
}
ALL = FEW | {name: argv(name) for name in ASKING | OTHERS}

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    """A server that always sends the same response."""
    with api_server(responses=_RESPONSES) as api:
        yield api.url


def run(words: Sequence[str], form: str, home: Path, api_url: str) -> Done:
    """Runs `qstash` in its own directory with redirected streams."""
    (home / "config").mkdir(parents=True, mode=0o700)
    (home / "config" / "config.toml").write_text(_PROFILES)
    (home / "config" / "config.toml").chmod(0o600)
    (home / "messages.jsonl").write_text('{"destination":"https://example.com/"}\n')
    (home / "qstash.toml").write_text("[queues.orders]\n")
    env = plain_environment(home) | {
        "QSTASH_URL": api_url,
        "QSTASH_TOKEN": DEV_USER.token,
        "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
    }
    return subprocess.run(  # noqa: S603 - the shell closes the streams
        ["/bin/sh", "-c", f'exec "$@" {form}', "sh", *QSTASH, *words],
        env=env, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def assert_ended_well(name: str, form: str, done: Done, usual: Done) -> None:
    """Asserts that the run reported the error, or behaved as usual."""
    reason = FORMS[form]
    assert "Traceback" not in done.stderr, (name, form, done)
    assert "Exception ignored" not in done.stderr, (name, form, done)
    if not reason:
        assert done.returncode == usual.returncode, (name, form, done)
        assert bool(done.stdout) == bool(usual.stdout), (name, form, done)
        return
    # Without output, nothing can fail.
    codes = {1} if usual.stdout else {1, usual.returncode}
    assert done.returncode in codes, (name, form, done)
    if usual.stdout and "2>" not in form:
        assert f"cannot write to standard output: {reason}" in done.stderr, (name, form, done)


def assert_all_end_well(
    commands: Mapping[str, Sequence[str]], forms: Iterable[str], tmp_path: Path, url: str
) -> None:
    def one(case: tuple[int, tuple[str, str]]) -> Done:
        number, (name, form) = case
        return run(commands[name], form, tmp_path / str(number), url)

    cases = list(product(commands, ("", *forms)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = dict(zip(cases, pool.map(one, enumerate(cases)), strict=True))
    for name, form in product(commands, forms):
        assert_ended_well(name, form, done[name, form], done[name, ""])


def test_a_closed_or_full_stream_causes_no_traceback(api_url: str, tmp_path: Path) -> None:
    assert_all_end_well(FEW, FEW_FORMS, tmp_path, api_url)


@pytest.mark.soak
def test_no_command_prints_a_traceback_for_a_closed_or_full_stream(
    api_url: str, tmp_path: Path
) -> None:
    assert_all_end_well(ALL, FORMS, tmp_path, api_url)


def test_a_full_disk_is_reported_with_exit_code_1(api_url: str, tmp_path: Path) -> None:
    done = run(("queue", "list"), ">/dev/full", tmp_path, api_url)

    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: cannot write to standard output: No space left on device\nhint: "
    )


def test_nothing_is_sent_if_standard_output_is_closed(tmp_path: Path) -> None:
    with api_server(responses=_RESPONSES) as api:
        done = run(FEW["publish"], ">&-", tmp_path, api.url)

        assert (done.returncode, api.requests) == (1, [])
    assert "nothing was sent" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("publish", "https://example.com/", "-d", "-"),
        ("api", "POST", "/v2/x", "-d", "-"),
        ("batch", "-"),
        ("config", "set", "x", "--token-stdin"),
        ("verify", "--request", "-"),
        ("plan", "-f", "-"),
    ],
)
def test_closed_standard_input_is_reported_by_commands_that_read_it(
    api_url: str, tmp_path: Path, words: Sequence[str]
) -> None:
    done = run(words, "<&-", tmp_path, api_url)

    assert done.returncode == 2, done
    assert "closed" in done.stderr
    assert "Traceback" not in done.stderr


def test_opened_files_do_not_replace_a_closed_stream(tmp_path: Path, api_url: str) -> None:
    done = run(("batch", "messages.jsonl"), ">&- 2>&-", tmp_path, api_url)

    assert done.returncode == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "config", "messages.jsonl", "qstash.toml",
    ]  # fmt: skip


@pytest.mark.parametrize("form", [">/dev/full", ">&-"])
def test_a_server_that_cannot_print_its_variables_exits(
    api_url: str, tmp_path: Path, form: str
) -> None:
    done = run(("dev", "--port", "0"), form, tmp_path, api_url)

    assert done.returncode == 1, done
    assert done.stderr.startswith("error: cannot write to standard output: ")


def test_an_interrupted_write_is_not_repeated(tmp_path: Path) -> None:
    # A signal that arrives during the system call is handled as soon as Python code runs again.
    script = (
        "import os, signal\n"
        "from qstash_cli.cli.streams import open_streams\n"
        "out = open_streams('').out\n"
        "write = os.write\n"
        "def interrupted(fd, data):\n"
        "    written = write(fd, data)\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    return written\n"
        "os.write = interrupted\n"
        "try:\n"
        "    out.write('one line\\n')\n"
        "    out.flush()\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
        "out.flush()\n"
    )
    done = subprocess.run(  # noqa: S603 - a script of the test
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert done.stdout == "one line\n"
