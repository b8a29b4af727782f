"""The topics of `qstash help` are correct, and every command's help ends with examples."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

import qstash_cli
from qstash_cli.cli.concepts import COMMANDS, IN_GROUPS
from qstash_cli.cli.index import INDEX
from qstash_cli.cli.registry import Command
from qstash_cli.client.proxies import _SCHEMES
from qstash_cli.commands.help.topics import EXIT_CODES, TOPICS
from qstash_cli.config.environment import REGIONS
from qstash_cli.config.variables import VARIABLES
from qstash_cli.errors import ExitCode
from qstash_cli.protocol.backoff import DEFAULT_RETRIES, default_delay_ms
from qstash_cli.protocol.durations import format_duration
from tests.in_process import Qstash

PACKAGE = Path(qstash_cli.__file__).parent
# These packages do not read the environment; their constants are states.
WITHOUT_ENVIRONMENT = {"protocol", "server"}
# Regions, states, metavars and suffixes, and variables of other programs.
NOT_VARIABLES = {
    *REGIONS, "RUN_STARTED", "RUN_SUCCESS", "RUN_FAILED", "RUN_CANCELED", "STEP_PROGRESS",
    "STEP_RETRY", "STEP_SUCCESS", "STEP_FAILED", "STEP_CANCELED",
    "CALLBACK_INPROGRESS", "CALLBACK_SUCCESS", "CALLBACK_FAIL", "CALLBACK_CANCELED",
    "CANCEL_REQUESTED", "IN_PROGRESS", "ACTION_ID", "DLQ_ID", "RUN_ID", "CURRENT_SIGNING_KEY",
    "NEXT_SIGNING_KEY", "SC_CLK_TCK", "ANDROID_ROOT", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
}  # fmt: skip


@pytest.mark.parametrize(("name", "command"), tuple(INDEX.all_commands()))
def test_the_help_ends_with_examples(name: str, command: Command) -> None:
    _, _, last = command.help.rpartition("\b\n")
    examples = last.strip().splitlines()

    assert len(examples) >= 2, name
    assert all(re.match(r"(.*\| )?(qstash|source|eval) ?", line) for line in examples), examples


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_fits_the_screen(topic: str, qstash: Qstash) -> None:
    run = qstash("help", topic)

    assert run.code == 0
    assert max(len(line) for line in run.out.splitlines()) <= 80
    assert run.out == f"{TOPICS[topic]()}\n"


def test_every_exit_code_is_described(qstash: Qstash) -> None:
    assert set(EXIT_CODES) == set(ExitCode)
    output = re.findall(r"^ *(\d+)  \S", qstash("help", "exit-codes").out, re.MULTILINE)
    assert [int(code) for code in output] == sorted(ExitCode)


def constants() -> set[str]:
    """Returns the strings in the source code that are written like the name of a variable."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        package = path.relative_to(PACKAGE).parts[0]
        if path.name != "variables.py" and package not in WITHOUT_ENVIRONMENT:
            nodes = ast.walk(ast.parse(path.read_text()))
            found |= {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return {text for text in found if re.fullmatch(r"[A-Z][A-Z0-9]+(_[A-Z0-9]+)+", text)}


def test_every_variable_is_described(qstash: Qstash) -> None:
    declared = {name for one in VARIABLES for name in one.names}
    output = qstash("help", "environment").out

    assert constants() - NOT_VARIABLES <= declared
    assert set(re.findall(r"[A-Z0-9]+(?:_[A-Z0-9]+)+", output)) >= {n for n in declared if "_" in n}


def test_every_variable_that_is_described_is_read() -> None:
    source = "".join(p.read_text() for p in PACKAGE.rglob("*.py") if p.name != "variables.py")
    proxies = {f"{scheme.upper()}_PROXY" for scheme in (*_SCHEMES, "no")}
    of_the_sdk = {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SERVICE_NAME"}

    for name in {name for one in VARIABLES for name in one.names} - proxies - of_the_sdk:
        assert f'{re.sub("^[A-Z_0-9]+_QSTASH_", "QSTASH_", name)}"' in source, name


def test_the_topic_on_retries_has_the_real_waits(qstash: Qstash) -> None:
    output = qstash("help", "retries").out

    waits = [format_duration(round(default_delay_ms(n) / 1000)) for n in range(1, 6)]
    assert ", ".join(waits) in output
    assert f"{DEFAULT_RETRIES} times" in output


def test_help_lists_the_topics_and_an_unknown_one_is_an_error(qstash: Qstash) -> None:
    listed, wrong = qstash("help"), qstash("help", "exit-code")

    assert [line.split()[-1] for line in listed.out.splitlines()] == list(TOPICS)
    assert wrong.code == 2
    assert "did you mean 'exit-codes'?" in wrong.err


@pytest.fixture
def printed(qstash: Qstash, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Returns the exit code of a command line and the text that Typer prints for it."""

    def run(*argv: str) -> tuple[int, str]:
        code = qstash(*argv).code
        return code, capsys.readouterr().out

    return run


def test_help_command_prints_the_help_of_the_command(
    printed: Callable[..., tuple[int, str]],
) -> None:
    by_word, by_option = printed("help", "dlq", "retry"), printed("dlq", "retry", "--help")

    assert by_word == by_option
    assert by_word[0] == 0
    assert "Usage: qstash dlq retry [OPTIONS]" in by_word[1]


@pytest.mark.parametrize(("name", "command"), tuple(INDEX.all_commands()))
def test_the_help_names_every_option_and_argument(
    name: str, command: Command, qstash: Qstash, printed: Callable[..., tuple[int, str]]
) -> None:
    code, text = printed(*name.split(), "--help")

    callbacks = qstash("help", "callbacks").out if "--callback-*" in text else ""
    names = set(re.findall(r"(?<![\w-])--?[\w-]+", text + callbacks))
    assert code == 0
    assert {option.names[-1] for option in command.options} <= names
    assert all(one.argument.metavar in text for one in command.arguments)


@pytest.mark.parametrize("name", ["publish", "schedule create", "dlq retry"])
def test_the_options_of_callbacks_take_two_rows(
    name: str, printed: Callable[..., tuple[int, str]]
) -> None:
    _, text = printed(*name.split(), "--help")

    assert len(text.splitlines()) <= 80
    assert len(re.findall(r"--(?:failure-)?callback-\*", text)) == 2
    assert "--callback-retries" not in text


def test_a_help_text_keeps_the_paragraphs_of_its_source(
    printed: Callable[..., tuple[int, str]],
) -> None:
    _, text = printed("plan", "--help")

    lines = [line.strip() for line in text.splitlines()]
    for line, below in pairwise(lines[: lines.index("qstash plan")]):
        assert not (line and below) or len(line) + len(below.split()[0]) > 76, (line, below)


def test_the_help_of_a_group_in_a_group(printed: Callable[..., tuple[int, str]]) -> None:
    by_word, by_option = printed("help", "workflow", "dlq"), printed("workflow", "dlq", "--help")
    _, outer = printed("workflow", "--help")

    assert by_word == by_option
    assert "Usage: qstash workflow dlq [OPTIONS] COMMAND" in by_word[1]
    assert re.search(r"retry-callback +Send the failure callback", by_word[1])
    assert re.search(r"dlq +List, resume, restart and delete failed runs", outer)
    assert "retry-callback" not in outer


@pytest.mark.parametrize("argv", [(), ("queue",), ("workflow", "dlq")])
def test_a_missing_command_prints_the_help_and_exits_2(
    argv: tuple[str, ...], printed: Callable[..., tuple[int, str]]
) -> None:
    assert printed(*argv) == (2, printed(*argv, "--help")[1])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("publish --help --nope", "no such option: --nope"),
        ("publish --help --delay", "requires an argument"),
        ("queue nope --help", "no such command 'nope'"),
        ("workflow dlq nope --help", "no such command 'nope'"),
        ("-p prod workflow dlq nope", "no such command 'nope'"),
        ("workflow dlq lst", "Did you mean 'list'?"),
    ],
)
def test_a_usage_error_together_with_help_is_reported(
    line: str, message: str, qstash: Qstash
) -> None:
    run = qstash(*line.split())

    assert (run.code, run.out) == (2, "")
    assert message in run.err


def test_the_value_help_of_an_option_is_a_value(qstash: Qstash) -> None:
    run = qstash("publish", "https://example.com", "-d", "--help", "--curl")

    assert run.code == 0
    assert "--data-binary" in run.out or "--help" in run.out
    assert not run.out.startswith("Usage:")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("send https://example.com", "use `qstash publish`"),
        ("login", "use `qstash config login`"),
        ("auth", "use `qstash config login`"),
        ("events", "use `qstash logs`"),
        ("cron", "use `qstash schedule create`"),
        ("queue create orders", "use `qstash queue set`"),
        ("dlq show 1-1", "use `qstash dlq get`"),
        ("workflow dlq get 1-1", "use `qstash workflow dlq show`"),
        ("workflow retry wfr_1", "use `qstash workflow dlq resume`"),
    ],
)
def test_terms_of_other_tools_suggest_the_command(qstash: Qstash, line: str, hint: str) -> None:
    run = qstash(*line.split())

    assert run.code == 2
    assert f"hint: {hint}" in run.err


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("logs --count 5", "use --limit"),
        ("check --count 5", "`qstash check --help` shows the usage"),
    ],
)
def test_an_option_of_other_tools_suggests_ours_if_the_command_has_it(
    qstash: Qstash, line: str, hint: str
) -> None:
    run = qstash(*line.split())

    assert (run.code, run.err.splitlines()[-1]) == (2, f"hint: {hint}"), run


def test_the_help_lists_the_version_and_no_type_of_a_switch(
    printed: Callable[..., tuple[int, str]],
) -> None:
    for argv in ((), ("queue",), ("queue", "pause")):
        _, text = printed(*argv, "--help")
        assert re.search(r"--help +-h +Show this message", text), text
        assert ("--version" in text) == (not argv)


def test_every_hinted_command_exists() -> None:
    names = {name for name, _ in INDEX.all_commands()}
    within = [f"{g} {to}" for found in IN_GROUPS.values() for g, to in found.items()]
    assert set(within) <= names
    for first, *rest in (found.split() for found in COMMANDS.values()):
        assert first in names or f"{first} {rest[0]}" in names, (first, *rest)


def test_options_are_accepted_before_help(printed: Callable[..., tuple[int, str]]) -> None:
    assert printed("-p", "prod", "--help") == printed("--help")
