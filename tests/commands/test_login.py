"""`qstash config login` without questions, and the questions that do not need a hidden prompt."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from qstash_cli.commands.config import login
from qstash_cli.commands.config.login_options import LoginOptions
from qstash_cli.errors import BadCredentials
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.commands.api_server import HEALTHY, KEYS, api_server
from tests.in_process import Qstash

# In the format of QStash's tokens: the base64 of a user name and a password.
TOKEN = "eyJVc2VySUQiOiJhIiwiUGFzc3dvcmQiOiJzZWNyZXQtb2YtYSJ9"


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """An embedded server shared by all tests here, none of which changes its data."""
    with running_server(ServerConfig(port=0)) as url:
        yield url


def stored(qstash: Qstash) -> dict[str, Any]:
    path = qstash.home / "config.toml"
    found: dict[str, Any] = tomllib.loads(path.read_text())["profiles"] if path.exists() else {}
    return found


def log_in(qstash: Qstash, url: str, *argv: str, token: str = DEV_USER.token) -> Any:
    return qstash(
        "config", "login", *argv, "--with-token", "--api-url", url, stdin=f"{token}\n".encode()
    )


def test_a_token_from_standard_input_is_checked_and_saved_with_the_signing_keys(
    qstash: Qstash, server_url: str
) -> None:
    run = log_in(qstash, server_url, "local")

    assert (run.code, run.out) == (0, "local\n"), run
    assert DEV_USER.token not in run.out + run.err
    assert stored(qstash)["local"] == {
        "api_url": server_url,
        "token": DEV_USER.token,
        "current_signing_key": DEV_USER.current_signing_key,
        "next_signing_key": DEV_USER.next_signing_key,
    }
    doctor = qstash("doctor", "-p", "local", "-o", "json")
    assert {check["status"] for check in doctor.json} == {"ok", "skipped"}, doctor


def test_a_profile_is_replaced_only_after_confirmation(qstash: Qstash, server_url: str) -> None:
    qstash("config", "set", "prod", "--token-env", "OTHER", "--plan", "payg")

    refused = log_in(qstash, server_url, "prod")
    kept = stored(qstash)
    confirmed = log_in(qstash, server_url, "prod", "--yes")

    assert (refused.code, "add --yes" in refused.err) == (2, True), refused
    assert kept == {"prod": {"token_env": "OTHER", "plan": "payg"}}
    assert confirmed.code == 0, confirmed
    assert stored(qstash)["prod"]["plan"] == "payg"
    assert "token_env" not in stored(qstash)["prod"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("login", "prod"), "`qstash config login prod --with-token < token.txt`"),
        (("login", "a/b", "--with-token"), "a/b"),
        (("login", "--region", "mars"), "one of eu-central-1, us-east-1"),
        (("login", "--region", "us-east-1", "--api-url", "https://a.example"), "omit one"),
        (("login", "--with-token", "--api-url", "http://a.example"), "hint: use https://\n"),
        (("login", "--with-token", "--no-config"), "--no-config"),
    ],
)
def test_a_login_that_cannot_work_is_refused_with_a_hint(
    qstash: Qstash, argv: tuple[str, ...], words: str
) -> None:
    run = qstash("config", *argv, stdin=f"{TOKEN}\n".encode())

    assert (run.code, words in run.err, stored(qstash)) == (2, True, {}), run


def test_no_input_refuses_the_questions_of_a_terminal(qstash: Qstash) -> None:
    run = qstash("config", "login", "--no-input", tty=True)

    assert (run.code, "--with-token < token.txt" in run.err) == (2, True), run


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        (f'{TOKEN[:20]}"{TOKEN[20:]}', "characters that are not allowed in a token"),
        (f"{TOKEN[:21]}\n{TOKEN[21:]}", "only a part of a token"),
        (f"{TOKEN}\n{TOKEN}", "standard input has more than 1 line"),
        (f"QSTASH_TOKEN={TOKEN}", "this is a NAME=value line, not a token"),
        ("sig_4x2uM9V9gBPmG3xZ2wCPf8Lz", "this is a signing key, not a token"),
        ("", "the token of default is empty"),
    ],
)
def test_text_that_is_not_a_token_is_neither_sent_nor_saved(
    qstash: Qstash, pasted: str, words: str
) -> None:
    with api_server() as api:
        run = log_in(qstash, api.url, token=pasted)

    assert (run.code, words in run.err, stored(qstash)) == (2, True, {}), run
    assert "nothing was changed" in run.err
    assert api.requests == []


def test_quotes_around_the_token_are_not_part_of_it(qstash: Qstash, server_url: str) -> None:
    run = log_in(qstash, server_url, token=f'"{DEV_USER.token}"')

    assert run.code == 0, run
    assert stored(qstash)["default"]["token"] == DEV_USER.token


def test_a_rejected_token_is_not_saved(qstash: Qstash, server_url: str) -> None:
    run = log_in(qstash, server_url, token=TOKEN)

    assert (run.code, stored(qstash)) == (3, {}), run
    assert "QStash does not accept the credentials: unable to authenticate" in run.err
    assert "hint: copy QSTASH_TOKEN from the console again" in run.err
    assert run.err.endswith("nothing was saved\n")
    assert TOKEN not in run.err


def test_a_server_that_does_not_listen_is_named_and_nothing_is_saved(qstash: Qstash) -> None:
    qstash.hurry()
    run = log_in(qstash, "http://127.0.0.1:9")

    assert (run.code, stored(qstash)) == (6, {}), run
    assert "http://127.0.0.1:9" in run.err
    assert "nothing was saved" in run.err


def test_a_server_that_is_not_qstash_is_refused(qstash: Qstash) -> None:
    with api_server(responses={("GET", "/v2/logs"): (200, {"hello": "world"})}) as api:
        run = log_in(qstash, api.url)

    assert (run.code, stored(qstash)) == (1, {}), run
    assert f"is {api.url} QStash's API?; nothing was saved" in run.err


def test_the_region_of_the_token_is_named(qstash: Qstash) -> None:
    with api_server(accepts=TOKEN) as theirs, api_server(accepts="another") as ours:
        ctx = qstash.invocation(stdin=f"{TOKEN}\n".encode()).ctx
        regions = {"eu-central-1": ours.url, "us-east-1": theirs.url}
        with pytest.raises(BadCredentials) as caught:
            login.log_in(ctx, "prod", LoginOptions(with_token=True), regions)

    assert caught.value.message == (
        "the token belongs to the region us-east-1, not to eu-central-1"
    )
    assert caught.value.hint == ("`qstash config login prod --region us-east-1`; nothing was saved")


def test_a_token_that_may_not_read_the_keys_is_saved_without_them(qstash: Qstash) -> None:
    responses = dict(HEALTHY) | {("GET", "/v2/keys"): (403, {"error": "read-only token"})}
    with api_server(responses=responses) as api:
        run = log_in(qstash, api.url)

    assert run.code == 0, run
    assert "the token may not read the signing keys" in run.err
    assert set(stored(qstash)["default"]) == {"api_url", "token"}


@contextmanager
def two_regions() -> Iterator[dict[str, str]]:
    with api_server(accepts=TOKEN) as eu, api_server(accepts=TOKEN) as us:
        yield {"eu-central-1": eu.url, "us-east-1": us.url}


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [("\n", "eu-central-1"), ("2\n", "us-east-1"), ("mars\nus-east-1\n", "us-east-1")],
)
def test_the_region_is_a_number_or_a_name(qstash: Qstash, answers: str, chosen: str) -> None:
    with two_regions() as regions:
        # The questions go to a terminal, and the token comes from a pipe, as prompts do not echo.
        invocation = qstash.invocation(stdin=f"{answers}{TOKEN}\n".encode())
        done = login.log_in(invocation.ctx, "prod", LoginOptions(), regions)

    assert (done.place, done.changes["current_signing_key"]) == (chosen, KEYS["current"])
    assert ("Not a region: 'mars'" in invocation.err.getvalue()) == ("mars" in answers)


def test_the_report_names_a_profile_only_where_it_is_not_in_use(qstash: Qstash) -> None:
    qstash("config", "set", "prod", "--token-env", "OTHER")
    for profile, flags in (("prod", ""), ("other", " -p other")):
        ctx = qstash.invocation(tty=True).ctx
        text = login.report(ctx, profile, login.Login({}, True, "us-east-1"))
        assert f"\n  qstash doctor{flags}\n" in str(text)
    overruled = qstash.invocation(tty=True, QSTASH_TOKEN=TOKEN).ctx
    text = login.report(overruled, "prod", login.Login({}, True, "us-east-1"))
    assert "qstash doctor -p prod\n" in str(text)
