"""`config env` prints variables, which files and shells restore exactly."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.in_process import Qstash

NAMES = ("QSTASH_URL", "QSTASH_TOKEN", "QSTASH_CURRENT_SIGNING_KEY", "QSTASH_NEXT_SIGNING_KEY")
EVIL = (
    "sig_'; touch broken; '",
    'sig_"$(touch broken)`touch broken`${HOME}"x',
    "sig_a\ntouch broken\nQSTASH_TOKEN=other",
    "sig_a # no comment \\' \\ \\\\n",
    "sig_ä \t|&;<>()*?[]~!x",
)


def store(qstash: Qstash, **profiles: dict[str, Any]) -> None:
    qstash.home.mkdir(mode=0o700, exist_ok=True)
    (qstash.home / "config.toml").write_text(tomli_w.dumps({"profiles": profiles}))


PROD: dict[str, Any] = {
    "api_url": "https://us.example", "token": "t'$(touch${IFS}broken)\"`id`",
    "current_signing_key": "sig_current", "next_signing_key": "sig_next",
}  # fmt: skip


def in_shell(text: str, directory: Path) -> dict[str, str]:
    """Returns the variables that are set after a real shell evaluated the text."""
    script = 'eval "$1"; ' + "".join(f'printf "%s\\0" "${{{n}-unset}}"; ' for n in NAMES)
    done = subprocess.run(  # noqa: S603 - a shell of the test
        ["/bin/sh", "-eu", "-c", script, "sh", text], env=dict.fromkeys(NAMES, "of another"),
        cwd=directory, capture_output=True, check=True,
    )  # fmt: skip
    values = done.stdout.decode().split("\0")[:-1]
    return {n: v for n, v in zip(NAMES, values, strict=True) if v != "unset"}


def test_the_output_has_the_variables_of_the_profile(qstash: Qstash) -> None:
    store(qstash, prod=PROD | {"token": "a-token"}, bare={"token": "b-token"})

    assert qstash("config", "env", "prod").out == (
        "QSTASH_URL=https://us.example\nQSTASH_TOKEN=a-token\n"
        "QSTASH_CURRENT_SIGNING_KEY=sig_current\nQSTASH_NEXT_SIGNING_KEY=sig_next\n"
    )
    assert qstash("config", "env", "bare", "--export").out == (
        "export QSTASH_URL='https://qstash.upstash.io'\nexport QSTASH_TOKEN='b-token'\n"
        "unset QSTASH_CURRENT_SIGNING_KEY\nunset QSTASH_NEXT_SIGNING_KEY\n"
    )
    assert qstash("config", "env", "bare").out.count("\n") == 2
    assert qstash("config", "env", "bare", "-o", "json").json == {
        "QSTASH_URL": "https://qstash.upstash.io", "QSTASH_TOKEN": "b-token",
        "QSTASH_CURRENT_SIGNING_KEY": None, "QSTASH_NEXT_SIGNING_KEY": None,
    }  # fmt: skip


@pytest.mark.parametrize("key", EVIL)
def test_no_value_breaks_out_of_its_quotes(qstash: Qstash, tmp_path: Path, key: str) -> None:
    # The URL of the API must not have a query or a fragment.
    url = f"https://us.example/{key.replace('?', '').replace('#', '')}"
    store(qstash, prod=PROD | {"api_url": url, "next_signing_key": key})
    expected = qstash("config", "env", "prod", "-o", "json").json
    assert expected["QSTASH_NEXT_SIGNING_KEY"] == key

    shell = qstash("config", "env", "prod", "--export")
    file = tmp_path / "prod.env"
    file.write_text(qstash("config", "env", "prod").out)

    assert in_shell(shell.out, tmp_path) == expected
    assert not list(tmp_path.glob("broken"))
    assert qstash("config", "env", "--env-file", str(file), "-o", "json").json == expected


def test_a_missing_key_unsets_its_variable(qstash: Qstash, tmp_path: Path) -> None:
    store(qstash, prod={"token": "a-token", "next_signing_key": "sig_next"})

    found = in_shell(qstash("config", "env", "prod", "--export").out, tmp_path)

    assert set(found) == set(NAMES) - {"QSTASH_CURRENT_SIGNING_KEY"}
    assert found["QSTASH_NEXT_SIGNING_KEY"] == "sig_next"


def test_a_value_that_no_file_can_contain_is_refused_without_being_printed(qstash: Qstash) -> None:
    store(qstash, prod=PROD | {"next_signing_key": "sig_at_its_end_a\\"})

    run = qstash("config", "env", "prod")

    assert (run.code, run.out, "sig_at" in run.err) == (2, "", False), run
    assert "hint: use --export or -o json" in run.err
    assert qstash("config", "env", "prod", "--export").code == 0


def test_without_a_name_the_active_credentials_are_printed(local: Qstash, tmp_path: Path) -> None:
    url, token = local.env.pop("QSTASH_URL"), local.env.pop("QSTASH_TOKEN")
    ran = tmp_path / "token"
    ran.write_text(token)
    store(
        local,
        team={"api_url": url, "token_command": ["cat", str(ran)], "current_signing_key": "sig_t"},
        named={"api_url": url, "token_env": "TEAM_TOKEN"},
    )

    by_name = local("config", "env", "-p", "team", "-o", "json").json
    assert by_name["QSTASH_TOKEN"] == token
    assert by_name["QSTASH_CURRENT_SIGNING_KEY"] == "sig_t"
    of_variable = local("config", "env", "named", "-o", "json", TEAM_TOKEN="its-own").json
    assert of_variable["QSTASH_TOKEN"] == "its-own"
    of_environment = local("config", "env", "-o", "json", QSTASH_TOKEN="x").json
    assert of_environment["QSTASH_CURRENT_SIGNING_KEY"] == DEV_USER.current_signing_key
    assert local("config", "env", "--dev", "-o", "json").json["QSTASH_TOKEN"] == DEV_USER.token


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("nope",), 4, "profile not found: nope"),
        (("-p", "nope"), 3, "profile not found: nope"),
        ((), 3, "no credentials found"),
        (("bare",), 3, "the profile has no token: bare"),
    ],
)
def test_without_credentials_nothing_is_printed(
    qstash: Qstash, argv: tuple[str, ...], code: int, words: str
) -> None:
    store(qstash, bare={"current_signing_key": "sig_secret"})

    run = qstash("config", "env", *argv, "--export")

    assert (run.code, run.out, words in run.err) == (code, "", True), run


def test_keys_from_another_source_and_overriding_variables_cause_warnings(qstash: Qstash) -> None:
    store(qstash, prod=PROD)
    (qstash.home / "config.toml").write_text(
        'default = "prod"\n' + (qstash.home / "config.toml").read_text()
    )

    mixed = qstash("config", "env", QSTASH_TOKEN="of-the-environment")
    first = qstash("config", "env", "prod", "--export", QSTASH_DEV="true")
    plain = qstash("config", "env", "prod", "--export", QSTASH_DEV="false")

    assert "the token is of QSTASH_TOKEN, and the signing keys are of profile prod" in mixed.err
    assert "QSTASH_DEV is set in this shell and comes first" in first.err
    assert (first.out, plain.err) == (plain.out, "")


def test_the_help_says_that_secrets_are_unmasked(
    qstash: Qstash, capsys: pytest.CaptureFixture[str]
) -> None:
    qstash("config", "env", "--help")

    assert "with its token and signing keys unmasked" in capsys.readouterr().out


def test_the_url_is_stored_as_api_url_and_an_older_name_is_changed(local: Qstash) -> None:
    url, token = local.env.pop("QSTASH_URL"), local.env.pop("QSTASH_TOKEN")
    file = local.home / "config.toml"

    def stored(name: str) -> dict[str, Any]:
        profile: dict[str, Any] = tomllib.loads(file.read_text())["profiles"][name]
        return profile

    local("config", "set", "new", "--api-url", "https://a.example")
    assert stored("new") == {"api_url": "https://a.example"}

    store(local, old={"url": url, "token": token}, older={"url": url, "token": token})
    assert local("logs", "-p", "old").code == 0
    local("config", "set", "old", "--plan", "payg")
    local("config", "set", "older", "--api-url", "https://b.example")
    assert stored("old") == {"api_url": url, "token": token, "plan": "payg"}
    assert stored("older") == {"api_url": "https://b.example", "token": token}
    assert local("logs", "-p", "old").code == 0
