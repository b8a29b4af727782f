from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.in_process import Qstash, Run

TOKEN = "a-token-that-nobody-may-see"
KEYS = b"sig_current_key_of_a_test\nsig_next_key_of_a_test\n"


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """An embedded server shared by all tests here, none of which changes its data."""
    with running_server(ServerConfig(port=0)) as url:
        yield url


def values(run: Run) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in run.json}


def sources(run: Run) -> dict[str, str]:
    return {one["name"]: one["source"] for one in run.json}


def test_a_profile_can_be_stored_displayed_used_and_removed(qstash: Qstash) -> None:
    made = qstash("config", "set", "prod", "--token-stdin", stdin=TOKEN.encode())
    qstash("config", "set", "us", "--token-env", "US", "--api-url", "https://us.example")
    keys = qstash("config", "set", "prod", "--keys-stdin", stdin=KEYS)

    assert (made.code, made.out, keys.code) == (0, "prod\n", 0)
    listed = qstash("config", "list", "--columns", "name,default,token")
    assert listed.out == "prod\ttrue\ta-to…ee\nus\tfalse\tfrom $US\n"
    shown = qstash("config", "show", "prod", "-o", "json")
    assert values(shown)["token"] == "a-to…ee"
    assert TOKEN not in shown.out + made.err + listed.out
    assert "sig_current_key" not in shown.out
    assert qstash("config", "use", "us").code == 0
    assert values(qstash("config", "show", "-o", "json", US="token-of-the-us"))["profile"] == "us"
    assert qstash("config", "remove", "us", "--yes").code == 0
    assert qstash("config", "list", "-q").out == "prod\n"
    assert qstash("config", "path").out == f"{qstash.home}/config.toml\n"


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("show",), 3, "no credentials found"),
        (("show", "nope"), 4, "profile not found: nope"),
        (("show", "-p", "nope"), 4, "profile not found: nope"),
        (("use", "nope"), 4, "nope"),
        (("remove", "nope", "--yes"), 4, "profile not found: nope"),
        (("set", "prod"), 2, "the token of prod is empty"),
        (("set", "prod", "--plan", "gold"), 2, "not a plan: 'gold'"),
        (
            ("set", "prod", "--api-url", "qstash.upstash.io"),
            2,
            "not a valid API URL: 'qstash.upstash.io'",
        ),
        (("set", "prod", "--token-env", "eyJ.secret="), 2, "not the name of a variable"),
        (("set", "prod", "--token-command", "op 'read"), 2, "not a program"),
        (("set", "prod", "--token-command", ""), 2, "not a program"),
        (("set", "prod", "--token-stdin", "--token-env", "A"), 2, "more than one source"),
    ],
)
def test_invalid_options_are_reported(
    qstash: Qstash, argv: tuple[str, ...], code: int, words: str
) -> None:
    run = qstash("config", *argv)

    assert (run.code, words in run.err) == (code, True), run
    assert "eyJ.secret" not in run.err
    assert not run.out or argv == ("show",)
    assert not (qstash.home / "config.toml").exists()


def test_commands_use_the_stored_profile(local: Qstash) -> None:
    env: dict[str, Any] = {"QSTASH_TOKEN": "", "QSTASH_URL": ""}
    url, token = local.env["QSTASH_URL"], local.env["QSTASH_TOKEN"]
    local("config", "set", "here", "--token-stdin", "--api-url", url, stdin=token.encode(), **env)

    assert local("logs", **env).code == 0
    assert local("keys", "get", "-p", "here", "--query", "current", **env).code == 0


@pytest.mark.parametrize(
    ("pasted", "words"),
    [("sig_123456", "a signing key"), ("Bearer abc", "an Authorization header"),
     ("QSTASH_TOKEN=abc", "a NAME=value line"), ("https://a.example", "a URL")],
)  # fmt: skip
def test_a_value_that_is_not_a_token_is_not_stored(qstash: Qstash, pasted: str, words: str) -> None:
    run = qstash("config", "set", "prod", "--token-stdin", stdin=pasted.encode())

    assert (run.code, words in run.err, pasted in run.err) == (2, True, False), run
    assert not (qstash.home / "config.toml").exists()


@pytest.mark.parametrize(
    "typed",
    [
        "qstash publish https://example.com/hook -d hi",
        "cat token.txt | qstash config set prod",
        "eyJVc2VySUQiOiJkZWZhdWx0VXNlci",
        "$QSTASH_TOKEN_OF_THE_TEAM",
        "short-token",
        "t\u00f6ken-with-other-letters",
        "token\x1b[31m-with-an-escape",
        "token-with-a-null\x00-byte",
    ],
)
@pytest.mark.parametrize("flags", [(), ("--token-stdin",)], ids=["asked", "stdin"])
def test_text_without_the_format_of_a_token_is_not_stored(
    qstash: Qstash, typed: str, flags: tuple[str, ...]
) -> None:
    run = qstash("config", "set", "prod", *flags, stdin=f"{typed}\n".encode())

    assert (run.code, typed in run.err, "nothing was changed" in run.err) == (2, False, True), run
    assert not (qstash.home / "config.toml").exists()


@pytest.mark.parametrize(
    ("flags", "stdin", "code"),
    [
        (("--token-stdin",), f"{TOKEN}\n", 0),
        (("--token-stdin",), f"{TOKEN}\n\n", 0),
        (("--token-stdin",), f"{TOKEN}\n{TOKEN}\n", 2),
        (("--token-stdin",), f"{TOKEN}\nrm -rf x\n", 2),
        (("--token-stdin", "--keys-stdin"), f"{TOKEN}\nsig_a\nsig_b\n", 0),
        (("--token-stdin", "--keys-stdin"), f"{TOKEN}\nsig_a\nsig_b\nsig_c\n", 2),
        (("--keys-stdin",), "sig_a\nsig_b\nsig_c\n", 2),
    ],
)
def test_standard_input_must_have_exactly_the_lines_of_the_secrets(
    qstash: Qstash, flags: tuple[str, ...], stdin: str, code: int
) -> None:
    run = qstash("config", "set", "prod", *flags, stdin=stdin.encode())

    assert run.code == code, run
    assert (qstash.home / "config.toml").exists() == (code == 0)


def test_a_token_of_another_format_is_stored_with_a_warning(qstash: Qstash) -> None:
    odd = qstash("config", "set", "odd", "--token-stdin", stdin=TOKEN.encode())
    usual = qstash("config", "set", "usual", "--token-stdin", stdin=DEV_USER.token.encode())

    assert (odd.code, usual.code) == (0, 0)
    assert "does not have the form of a QStash token" in odd.err
    assert "form of a QStash token" not in usual.err


@pytest.mark.parametrize(
    "argv",
    [("logs", "--dry-run"), ("config", "list"), ("config", "show"), ("publish", "https://a.example",
     "--dry-run"), ("doctor", "--dry-run")],
    ids=lambda argv: " ".join(argv[:2]),
)  # fmt: skip
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o604])
def test_every_command_makes_a_readable_profile_file_private(
    qstash: Qstash, argv: tuple[str, ...], mode: int
) -> None:
    qstash("config", "set", "prod", "--token-stdin", stdin=DEV_USER.token.encode())
    file = qstash.home / "config.toml"
    file.chmod(mode)

    run, again = qstash(*argv), qstash(*argv)

    assert f"(mode {mode:o})" in run.err, run
    assert file.stat().st_mode & 0o777 == 0o600
    assert "(mode" not in again.err


def test_a_profile_file_without_secrets_may_be_readable_by_others(qstash: Qstash) -> None:
    qstash("config", "set", "prod", "--token-env", "TEAM_TOKEN")
    file = qstash.home / "config.toml"
    file.chmod(0o644)

    run = qstash("config", "list")

    assert (run.err, file.stat().st_mode & 0o777) == ("", 0o644)


@pytest.mark.parametrize("source", ["stdin", "variable", "program", "nothing said"])
def test_every_source_of_a_token_works(local: Qstash, tmp_path: Path, source: str) -> None:
    url, token = local.env.pop("QSTASH_URL"), local.env.pop("QSTASH_TOKEN")
    file = tmp_path / "the token"
    file.write_text(f"{token}\n")
    ways: dict[str, tuple[str, ...]] = {
        "stdin": ("--token-stdin",),
        "variable": ("--token-env", "TEAM_TOKEN"),
        "program": ("--token-command", f"cat '{file}'"),
        "nothing said": (),
    }

    made = local("config", "set", "team", *ways[source], stdin=token.encode())
    local("config", "set", "team", "--api-url", url)

    assert made.code == 0, made
    run = local("logs", TEAM_TOKEN=token)
    assert run.code == 0, run
    shown = local("config", "show", "-o", "json", TEAM_TOKEN=token)
    stored = (local.home / "config.toml").read_text()
    assert token not in shown.out + made.out + made.err
    assert (token in stored) == (source in {"stdin", "nothing said"})


def test_a_new_profile_without_a_token_is_an_error_and_reads_nothing(qstash: Qstash) -> None:
    run = qstash("config", "set", "us", "--plan", "payg", stdin=b"not-read")

    assert run.code == 0, run
    assert "it has no token yet; `qstash config set us --token-stdin` reads it" in run.err
    assert "not-read" not in (qstash.home / "config.toml").read_text()


def test_show_names_the_source_of_every_value(qstash: Qstash, tmp_path: Path) -> None:
    qstash("config", "set", "us", "--token-env", "US", "--api-url", "https://us.example")
    qstash("config", "set", "us", "--keys-stdin", "--plan", "payg", stdin=KEYS)
    file = tmp_path / ".env"
    file.write_text(f"QSTASH_TOKEN={TOKEN}\nQSTASH_NEXT_SIGNING_KEY=sig_the_next_of_the_file\n")
    config = f"{qstash.home}/config.toml"

    def shown(*argv: str, **env: Any) -> dict[str, str]:
        run = qstash("config", "show", *argv, "-o", "json", US="token-of-the-us", **env)
        assert TOKEN not in run.out
        return sources(run)

    of_profile = shown()
    assert of_profile["profile"] == "it is the default profile"
    assert of_profile["apiUrl"] == f"profile us in {config}"
    assert of_profile["token"] == f"US, as configured in profile us in {config}"
    assert of_profile["nextSigningKey"] == of_profile["plan"] == f"profile us in {config}"
    assert of_profile["configFile"] == "QSTASH_CONFIG_DIR"
    of_file = shown("--env-file", str(file))
    assert of_file["token"] == f"QSTASH_TOKEN in {file}"
    assert of_file["nextSigningKey"] == f"QSTASH_NEXT_SIGNING_KEY in {file}"
    assert (of_file["apiUrl"], of_file["plan"]) == ("default", "not set")
    of_environment = shown(QSTASH_TOKEN=TOKEN, QSTASH_URL="https://a.example")
    assert (of_environment["token"], of_environment["apiUrl"]) == ("QSTASH_TOKEN", "QSTASH_URL")
    of_flags = shown("--token", TOKEN, "--api-url", "https://b.example", QSTASH_TOKEN="x")
    assert (of_flags["token"], of_flags["apiUrl"]) == ("--token", "--api-url")
    assert shown("--dev")["token"] == "the development server"


def test_show_runs_no_token_command(qstash: Qstash, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    qstash("config", "set", "prod", "--token-command", f"touch {ran}")

    run = qstash("config", "show", "-o", "json")

    assert values(run)["token"] == "the output of `touch`"
    assert not ran.exists()


def test_a_variable_file_replaces_the_environment_completely(local: Qstash, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        f"QSTASH_URL={local.env['QSTASH_URL']}\nQSTASH_TOKEN={local.env['QSTASH_TOKEN']}"
    )
    elsewhere: dict[str, Any] = {"QSTASH_TOKEN": "x", "QSTASH_URL": "https://elsewhere.invalid"}

    assert local("logs", "--env-file", str(file), **elsewhere).code == 0
    file.write_text("QSTASH_TOKEN=a-token-that-is-not-for-elsewhere")
    run = local("logs", "--env-file", str(file), "--verbose", "--request-timeout", "1s", "--curl",
                **elsewhere)  # fmt: skip
    assert "elsewhere" not in run.out + run.err
    missing = local("logs", "--env-file", str(tmp_path / "nope"))
    assert (missing.code, "nope" in missing.err) == (2, True), missing


def test_options_override_the_file(local: Qstash, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("QSTASH_TOKEN=not-the-one\n")
    url, token = local.env["QSTASH_URL"], local.env["QSTASH_TOKEN"]
    local("config", "set", "here", "--token-stdin", "--api-url", url, stdin=token.encode())

    assert local("logs", "--env-file", str(file), "-p", "here").code == 0
    assert local("logs", "--env-file", str(file), "--token", token, "--api-url", url).code == 0
