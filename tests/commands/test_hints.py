"""Errors say what happened, and hints name what exists: commands, options, URLs and responses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import qstash_cli
from qstash_cli.cli.hints import with_connection
from qstash_cli.cli.index import INDEX
from qstash_cli.cli.parser import parse
from qstash_cli.cli.run_options import ConnectionOptions
from qstash_cli.protocol.destination import missing_scheme
from tests.in_process import Qstash

_QUOTED = re.compile(r"`(qstash [a-z][^`\n]*)`")


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("localhost:3000/x", "http://localhost:3000/x"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("[::1]:3000/x", "http://[::1]:3000/x"),
        ("192.168.1.5/x", "http://192.168.1.5/x"),
        ("//localhost:3000/x", "http://localhost:3000/x"),
        ("example.com/x", "https://example.com/x"),
        ("[::1", "https://[::1"),
        ("ftp://example.com/x", "https://example.com/x"),
        ("http:/localhost:3000/x", "http://localhost:3000/x"),
        ("/x", "https://HOST/PATH"),
    ],
)
def test_a_url_without_a_scheme_gets_the_likely_one(text: str, suggested: str) -> None:
    assert missing_scheme("the endpoint has", text).hint == f"try {suggested}"


@pytest.mark.parametrize(
    "words",
    [
        ("publish", "localhost:3000/x", "--dev"),
        ("schedule", "create", "localhost:3000/x", "--cron", "@daily", "--dev"),
        ("batch", "-", "--to", "localhost:3000/x", "--dev"),
        ("urlgroup", "add", "team", "localhost:3000/x", "--dev"),
        ("replay", "1-1", "--to", "localhost:3000/x", "--dev"),
        ("logs", "-f", "--to", "localhost:3000/x", "--dev"),
        ("listen", "--to", "localhost:3000/x"),
        ("probe", "localhost:3000/x", "--dev"),
        ("keys", "rotate", "--probe", "localhost:3000/x", "--dev", "--yes"),
    ],
    ids=" ".join,
)
def test_every_command_suggests_http_for_this_machine(qstash: Qstash, words: Sequence[str]) -> None:
    run = qstash(*words)

    assert run.code == 2, run
    assert "no http:// or https://: localhost:3000/x\nhint: try http://localhost:3000/x" in run.err


def test_https_to_an_api_that_speaks_http_is_named(local: Qstash) -> None:
    https = local.env["QSTASH_URL"].replace("http:", "https:")

    run = local("queue", "list", QSTASH_URL=https)

    assert run.code == 6
    assert run.err.splitlines() == [
        f"error: cannot connect to {https}: the server speaks http, not https",
        f"hint: use {local.env['QSTASH_URL']}",
    ]


def test_https_to_a_destination_that_speaks_http_is_named(local: Qstash) -> None:
    http = local.env["QSTASH_URL"]
    https = http.replace("http:", "https:")

    published = local("publish", https, "--retries", "0", "--wait")
    probed = local("probe", https)

    assert f" failed after 1 attempt: the server speaks http; use {http}\n" in published.err
    assert f"cannot be reached: the server speaks http; use {http}" in probed.err


def test_a_refused_connection_has_no_response_to_look_at(local: Qstash) -> None:
    run = local("publish", "http://127.0.0.1:9/", "--retries", "0", "--wait")

    error, hint = run.err.splitlines()[-2:]
    assert error.endswith(" failed after 1 attempt: connection refused")
    assert hint == (
        "hint: check that the destination is running; "
        f"`qstash dlq retry --message {run.out.strip()}` sends the message again"
    )


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("urlgroup", "get", "none"), "`qstash urlgroup list` lists the URL groups"),
        (("publish", "none"), "`qstash urlgroup list` lists the URL groups"),
        (("queue", "get", "none"), "`qstash queue list` lists the queues"),
        (("schedule", "get", "none"), "`qstash schedule list` lists the schedules"),
        (("flow", "get", "none"), "`qstash flow list` lists the flow control keys"),
        (("dlq", "get", "1-1"), "`qstash dlq list` lists the entries"),
        (("message", "get", "msg_1"), "`qstash logs --message ID` shows messages that have ended"),
    ],
)
def test_what_is_not_found_can_be_listed(local: Qstash, words: Sequence[str], hint: str) -> None:
    run = local(*words)

    assert (run.code, run.err.splitlines()[-1]) == (4, f"hint: {hint}")


def test_a_hint_names_commands_for_the_same_account(local: Qstash) -> None:
    port = local.env["QSTASH_URL"].rpartition(":")[2]
    missing = local("queue", "get", "none", "--dev", QSTASH_DEV_PORT=port)

    assert missing.err.splitlines()[-1] == "hint: `qstash queue list --dev` lists the queues"


def test_only_commands_that_connect_get_the_options_of_the_account() -> None:
    hint = "set it with `qstash config set NAME`, or try `qstash demo`; `qstash logs --dev` lists"

    assert with_connection(hint, ConnectionOptions(profile="my eu")) == hint
    assert (
        with_connection("`qstash dlq list --message m` lists", ConnectionOptions(profile="my eu"))
        == "`qstash dlq list --message m --profile 'my eu'` lists"
    )


def quoted_commands() -> Iterator[str]:
    for path in Path(qstash_cli.__file__).parent.rglob("*.py"):
        yield from _QUOTED.findall(path.read_text())


@pytest.mark.parametrize("line", sorted(set(quoted_commands())))
def test_every_command_that_a_text_names_exists(line: str) -> None:
    # What stands for a value, such as {name}, is a value like any other.
    words = shlex.split(line.partition(" > ")[0])[1:]
    if words[0] in {"COMMAND", "help"}:
        return
    assert words[0] != "api" or len(words) == 1, "a command exists for it"
    assert INDEX.name_of(words[0]) is not None, line
    _, command, _, rest = INDEX.group(words[0]).select(words[1:])
    if command is None and not rest:
        return
    assert command is not None, line
    assert not parse(command.options, rest).has_mistake, line


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("config login --region", "qstash config login"),
        ("workflow dlq list --label", "qstash workflow dlq list"),
        ("publish https://example.com --delay", "qstash publish"),
        ("dlq --region", "qstash dlq"),
    ],
)
def test_a_missing_value_of_an_option_hints_at_the_help_of_its_command(
    qstash: Qstash, line: str, command: str
) -> None:
    run = qstash(*line.split())

    assert f"`{command} --help` shows the usage" in run.err
