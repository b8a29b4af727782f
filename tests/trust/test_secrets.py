"""Tokens, signing keys and proxy passwords never appear in output, files or process lists."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.config.profiles import save
from qstash_cli.errors import BadInput
from tests.commands.api_server import api_server
from tests.e2e.conftest import QSTASH, plain_environment
from tests.every_command import ASKING, OTHERS, argv
from tests.figures import Figures
from tests.in_process import Qstash
from tests.leaks import leaked
from tests.trust.hostile_api import responses
from tests.trust.raw_server import Connection, raw_server

OF = "secrets"
TOKEN = "tok_6c1f0b7d9e2a4853"
KEY, NEXT = "sig_Q2x8Lw5Rt9Vn3Kp7", "sig_M4c6Yd1Hs8Bj2Fg5"
PASSWORD = "pr0xy-5c1de8"
SECRETS = (TOKEN, KEY, NEXT, PASSWORD)
# These commands display the requested keys and the profile.
_SHOWING = {"keys get", "keys rotate", "config env"}
_URL = "https://example.com/a"
MODES: dict[str, tuple[str, ...]] = {
    "plain": (),
    "verbose": ("--verbose",),
    "dry run": ("--dry-run",),
    "curl": ("--curl",),
    "debug": ("--debug", "--verbose", "-o", "json"),
    "wrong usage": ("--no-such-flag", "--debug"),
}


def long(*cases: object) -> list[Any]:
    """Marks cases that run only in the long form."""
    return [pytest.param(one, marks=pytest.mark.soak) for one in cases]


@pytest.fixture
def cli(qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Qstash:
    """`qstash` with secrets in the environment and in a profile, and all input files."""
    (tmp_path / "qstash.toml").write_text("[queues.orders]\n")
    (tmp_path / "messages.jsonl").write_text(json.dumps({"destination": _URL, "body": "one"}))
    monkeypatch.chdir(tmp_path)
    qstash.hurry(lambda: 1_725_400_000.0)
    keys = {"current_signing_key": KEY, "next_signing_key": NEXT}
    save(qstash.home / "config.toml", "prod", {"token": TOKEN, "api_url": _URL[:-2], **keys})
    qstash.env |= {
        "QSTASH_TOKEN": TOKEN,
        "QSTASH_CURRENT_SIGNING_KEY": KEY,
        "QSTASH_NEXT_SIGNING_KEY": NEXT,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    return qstash


def seen(qstash: Qstash, directory: Path, *flags: str, others: bool = False) -> list[str]:
    """Returns where secrets appear after every command: in outputs or in remaining files."""
    found = []
    for name in (*ASKING, *(OTHERS if others else ())):
        if name in _SHOWING or name == "demo":
            continue
        save(qstash.home / "config.toml", "prod", {"token": TOKEN, "current_signing_key": KEY})
        done = qstash(*argv(name), *flags, tty=len(flags) % 2 == 0)
        found += [f"{one} of {done!r}" for one in SECRETS if one in done.out + done.err]
    for path in directory.rglob("*"):
        if path.is_file() and path != qstash.home / "config.toml":
            content = path.read_bytes()
            found += [f"{one} in {path}" for one in SECRETS if one.encode() in content]
    return found


@pytest.mark.parametrize(
    "mode",
    [
        "plain",
        "curl",
        "debug",
        *(
            pytest.param(one, marks=pytest.mark.soak)
            for one in ("verbose", "dry run", "wrong usage")
        ),
    ],
)
def test_no_command_prints_or_stores_a_secret(
    cli: Qstash, tmp_path: Path, figures: Figures, mode: str
) -> None:
    with api_server(responses=responses("text", url=_URL, state="ERROR", method="POST")) as api:
        cli.env["QSTASH_URL"] = api.url
        found = seen(cli, tmp_path, *MODES[mode], others=True)

    figures(OF, cases=len(ASKING) + len(OTHERS), failures=len(found))
    assert not found


def echo(connection: Connection) -> None:
    """Echoes the request, including the token, in the reason phrase and the headers."""
    message = f"{TOKEN} is no token; Bearer {TOKEN}"
    body = json.dumps({"error": message}).encode()
    connection.respond(body, f"401 No {TOKEN}", f"X-Asked: {message}", f"Location: /{TOKEN}")


def no_json(connection: Connection) -> None:
    connection.respond(f"<p>Authorization: Bearer {TOKEN}".encode(), f"200 {TOKEN}")


def no_http(connection: Connection) -> None:
    connection.say(f"Bearer {TOKEN}\r\n\r\n".encode())
    connection.half_close()


@pytest.mark.parametrize(
    "script",
    [
        echo,
        *(
            pytest.param(one, marks=pytest.mark.soak)
            for one in (no_json, no_http, Connection.reset)
        ),
    ],
)
def test_a_token_that_a_server_echoes_is_not_printed(
    cli: Qstash, tmp_path: Path, figures: Figures, script: Callable[[Connection], None]
) -> None:
    with raw_server(script) as server:
        cli.env["QSTASH_URL"] = server.url
        found = seen(cli, tmp_path, "--debug", "--verbose")

    figures(OF, cases=len(ASKING), failures=len(found))
    assert not found


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://user:{PASSWORD}@127.0.0.1:9",
        f"http://user:{PASSWORD}@127.0.0.1:notaport",
        pytest.param(f"user:{PASSWORD}@127.0.0.1", marks=pytest.mark.soak),
        pytest.param(f"socks5://user:{PASSWORD}@127.0.0.1:9", marks=pytest.mark.soak),
        pytest.param(f"gopher://user:{PASSWORD}@127.0.0.1:9", marks=pytest.mark.soak),
    ],
)
def test_a_proxy_password_is_never_printed(
    cli: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures, proxy: str
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy)
        cli.env[name] = proxy
    cli.env["QSTASH_URL"] = "https://qstash.invalid"
    found = seen(cli, tmp_path, "--debug", "--verbose", "--request-timeout", "2s")

    figures(OF, cases=len(ASKING), failures=len(found))
    assert not found


def test_the_leak_check_detects_secrets() -> None:
    env = {"QSTASH_TOKEN": f"'{TOKEN}'", "EU_CENTRAL_1_QSTASH_CURRENT_SIGNING_KEY": KEY}

    assert leaked(["logs"], env, f"error: {TOKEN}") == [TOKEN]
    assert leaked(["logs", "--token", NEXT], {}, "x", f"{NEXT}") == [NEXT]
    assert leaked(["verify"], env, KEY) == [KEY]
    assert leaked(["keys", "get"], env, KEY) == []
    assert leaked(["logs"], env, "error: no") == []


_WATCH = r"""
import os, pathlib, sys
for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    try:
        if os.environ["LOOKED_FOR"].encode() in process.read_bytes():
            sys.exit("seen in the list of processes")
    except OSError:
        pass
"""


def test_process_lists_never_contain_a_token(tmp_path: Path, figures: Figures) -> None:
    """Lists processes from within `dev -- CMD`, a token command, and a server during a request."""
    watcher = tmp_path / "watch.py"
    watcher.write_text(_WATCH)
    (tmp_path / "token.txt").write_text(TOKEN)
    command = (
        sys.executable,
        "-c",
        f"{_WATCH}\nprint(open({str(tmp_path / 'token.txt')!r}).read())",
    )
    env = plain_environment(tmp_path) | {"LOOKED_FOR": TOKEN, "XDG_CACHE_HOME": str(tmp_path)}
    codes: list[int] = []

    def script(connection: Connection) -> None:
        listing = subprocess.run(  # noqa: S603 - a command of the test
            [sys.executable, str(watcher)], env=env, check=False
        )
        codes.append(listing.returncode)
        connection.respond(b'{"logs":[],"queues":[]}')

    with raw_server(script) as server:
        save(tmp_path / "config" / "config.toml", "prod",
             {"token_command": command, "api_url": server.url})  # fmt: skip
        asked = process("logs", env=env)
        completed = process(
            env=env | {"_QSTASH_COMPLETE": "bash", "_QSTASH_LINE": "qstash queue get "}
        )
    in_dev = process("dev", "--port", "0", "--", sys.executable, str(watcher), env=env)

    figures(OF, cases=4)
    assert (asked.returncode, completed.returncode, in_dev.returncode) == (0, 0, 0), (asked, in_dev)
    assert codes
    assert not any(codes)


def process(*words: str, env: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a command of the test
        [*QSTASH, *words], env=env, input=stdin, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def test_concurrent_profile_writes_are_not_lost(tmp_path: Path, figures: Figures) -> None:
    env = plain_environment(tmp_path)
    count = 8
    writers = [
        subprocess.Popen(  # noqa: S603 - a command of the test
            [*QSTASH, "config", "set", f"p{n}", "--token-stdin"], env=env, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for n in range(count)
    ]  # fmt: skip
    errors = [writer.communicate(f"{TOKEN}{n}\n")[1] for n, writer in enumerate(writers)]
    path = tmp_path / "config" / "config.toml"
    profiles = tomllib.loads(path.read_text())["profiles"]

    figures(OF, cases=count)
    assert [writer.returncode for writer in writers] == [0] * count, errors
    assert {name: one["token"] for name, one in profiles.items()} == {
        f"p{n}": f"{TOKEN}{n}" for n in range(count)
    }
    assert not any(TOKEN in one for one in errors)


def test_files_are_private_with_any_umask(tmp_path: Path, figures: Figures) -> None:
    env = plain_environment(tmp_path)
    script = 'umask 0; exec "$0" -m qstash_cli config set prod --token-stdin'
    done = subprocess.run(  # noqa: S603 - a command of the test
        ["/bin/sh", "-c", script, sys.executable], env=env, input=TOKEN, text=True, check=False,
        capture_output=True,
    )  # fmt: skip
    directory = tmp_path / "config"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}

    figures(OF, cases=len(modes))
    assert done.returncode == 0, done
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}, modes


def test_a_lock_that_is_a_symbolic_link_is_rejected(tmp_path: Path, figures: Figures) -> None:
    directory = tmp_path / "config"
    directory.mkdir(mode=0o700)
    (directory / "config.toml.lock").symlink_to(tmp_path / "elsewhere")

    figures(OF, cases=1)
    with pytest.raises(BadInput, match=r"config\.toml\.lock"):
        save(directory / "config.toml", "prod", {"token": TOKEN})
    assert not (tmp_path / "elsewhere").exists()
