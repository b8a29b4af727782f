"""Options for pipelines: no prompts, no configuration file, and GitHub Actions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qstash_cli.cli.index import INDEX
from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.commands.api_server import api_server
from tests.in_process import Qstash
from tests.sink import Sink

ON_GITHUB = {"GITHUB_ACTIONS": "true"}


def test_no_input_never_prompts_on_a_terminal(local: Qstash) -> None:
    local("queue", "set", "orders")

    asked = local("queue", "delete", "orders", tty=True, stdin=b"y\n")
    local("queue", "set", "orders")
    refused = local("queue", "delete", "orders", "--no-input", tty=True, stdin=b"y\n")

    assert asked.code == 0, asked
    assert refused.code == 2
    assert "add --yes; nothing was sent" in refused.err
    assert "[y/N]" not in refused.err
    assert local("queue", "list", "-q").out == "orders\n"


def test_no_config_ignores_the_configuration_file(local: Qstash) -> None:
    local.home.mkdir()
    (local.home / "config.toml").write_text("this is no TOML")

    assert local("logs").code == 2
    assert local("logs", "--no-config").code == 0
    unknown = local("logs", "--no-config", "-p", "prod")
    assert unknown.code == 3
    assert "profile not found: prod" in unknown.err


def test_an_error_in_a_github_step_is_also_an_annotation(qstash: Qstash) -> None:
    here = qstash("publish", "example.com/a", "--delay", "1d")
    qstash.env |= ON_GITHUB
    there = qstash("publish", "example.com/a", "--delay", "1d")

    assert there.err.startswith(here.err)
    assert there.err.removeprefix(here.err) == (
        "::error title=qstash::the destination has no http:// or https://: example.com/a%0A"
        "hint: try https://example.com/a\n"
    )
    assert (there.out, there.code) == ("", 2)


@pytest.fixture
def step(local: Qstash, tmp_path: Path) -> Qstash:
    """`qstash` in a step of GitHub Actions, with a file for its outputs."""
    local.env |= ON_GITHUB | {"GITHUB_OUTPUT": str(tmp_path / "output")}
    return local


def written(step: Qstash) -> str:
    return Path(step.env["GITHUB_OUTPUT"]).read_text()


def test_the_id_is_written_to_the_output_of_the_step(step: Qstash, sink: Sink) -> None:
    run = step("publish", sink.url, "n:=1", "-o", "json", "--github-output", "message")
    made = step("schedule", "create", sink.url, "--cron", "@daily", "--github-output", "it")

    assert written(step) == f"message={run.json['messageId']}\nit={made.out}"


def test_several_ids_are_written_even_if_the_command_fails(step: Qstash, sink: Sink) -> None:
    sink.statuses = [500]
    step("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b")

    run = step("publish", "team", "--retries", "0", "--wait", "--github-output", "ids")

    assert run.code == 8
    first, *lines, last = written(step).splitlines()
    assert lines == run.out.split()
    assert first == f"ids<<{last}"


def test_ids_of_a_streamed_list_are_written(step: Qstash, sink: Sink) -> None:
    message_id = step("publish", sink.url, "--wait").out.strip()

    run = step("logs", "--state", "delivered", "--github-output", "last")

    assert run.code == 0
    assert written(step) == f"last={message_id}\n"


@pytest.mark.parametrize("count", [1, 2])
def test_an_unpaired_surrogate_loses_no_output(qstash: Qstash, tmp_path: Path, count: int) -> None:
    qstash.env |= ON_GITHUB | {"GITHUB_OUTPUT": str(tmp_path / "output"), "QSTASH_TOKEN": "t"}
    published = [{"messageId": f"msg_{number}\ud800"} for number in range(count)]
    with api_server(responses={("POST", "/v2/publish"): (200, published)}) as api:
        qstash.env["QSTASH_URL"] = api.url
        run = qstash("publish", "http://127.0.0.1/", "--github-output", "id")

    assert (run.code, run.out) == (0, "".join(f"msg_{n}\\ud800\n" for n in range(count)))
    assert run.out in written(qstash)
    assert run.err.startswith("warning: --github-output: a value has an unpaired surrogate, which")


@pytest.mark.parametrize(
    ("argv", "env", "words"),
    [
        (("--github-output", "id"), {}, "--github-output: this is not a step of GitHub Actions"),
        (("--github-output", "a b"), {"GITHUB_OUTPUT": "/dev/null"}, "not the name of an output"),
    ],
)
def test_an_unwritable_output_is_refused_before_anything_is_sent(
    local: Qstash, sink: Sink, argv: tuple[str, ...], env: dict[str, str], words: str
) -> None:
    local.env |= env
    run = local("publish", sink.url, *argv)

    assert run.code == 2
    assert words in run.err
    assert local("logs", "--all").out == ""
    assert sink.received == []


def test_an_annotation_contains_no_token(local: Qstash) -> None:
    local.env |= ON_GITHUB
    run = local("logs", "--token", f"{DEV_USER.token[:-4]}abc=", "--api-url",
                local.env["QSTASH_URL"])  # fmt: skip

    assert run.code == 3
    assert "::error title=qstash::QStash does not accept the credentials" in run.err
    assert DEV_USER.token[:-4] not in run.err


def test_every_command_has_the_options_for_pipelines() -> None:
    for name, command in INDEX.all_commands():
        parameters = {option.parameter for option in command.options}
        assert {"no_input", "no_config", "github_output"} <= parameters, name


def test_no_config_protects_profiles_and_no_input_does_not_prompt_for_them(
    qstash: Qstash,
) -> None:
    for words in (("set", "prod", "--token-stdin"), ("use", "prod"), ("remove", "prod", "--yes")):
        run = qstash("config", *words, "--no-config", stdin=b"a-token-of-a-test\n")
        assert run.code == 2
        assert "--no-config prevents changes to the configuration file" in run.err
    asked = qstash("config", "set", "prod", "--no-input", stdin=b"a-token-of-a-test\n")
    typed = qstash("config", "set", "prod", "--token-stdin", "--no-input", tty=True)

    assert (asked.code, typed.code) == (2, 2)
    assert "--token-stdin reads the token" in asked.err
    assert not qstash.home.exists()


@pytest.mark.parametrize("words", [("keys", "get"), ("keys", "rotate", "--yes"), ("config", "env")])
def test_printed_keys_are_masked_in_the_log_of_github(
    local: Qstash, words: tuple[str, ...]
) -> None:
    here = local(*words)
    local.env |= ON_GITHUB
    there = local(*words)

    assert "::add-mask::" not in here.err
    shown = re.findall(r"sig_\w+", there.out)
    assert len(shown) == 2
    assert all(f"::add-mask::{key}\n" in there.err for key in shown)
