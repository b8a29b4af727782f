"""The topics of `qstash help` are true, and every command's help ends with examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import qstash_cli
from qstash_cli.cli.index import INDEX
from qstash_cli.cli.registry import Command
from qstash_cli.commands.help.topics import ENVIRONMENT, EXIT_CODES, TOPICS
from qstash_cli.errors import ExitCode
from qstash_cli.protocol.backoff import DEFAULT_RETRIES, default_delay_ms
from qstash_cli.protocol.durations import format_duration
from tests.conftest import Qstash

PACKAGE = Path(qstash_cli.__file__).parent
# What `help environment` tells in the words of another variable, and what shells and tools set.
COVERED_ELSEWHERE = {"ALL_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_DIR", "TERM"}


@pytest.mark.parametrize(("name", "command"), tuple(INDEX.all_commands()))
def test_the_help_ends_with_examples(name: str, command: Command) -> None:
    _, _, last = command.help.rpartition("\b\n")
    examples = last.strip().splitlines()

    assert len(examples) >= 2, name
    assert all(re.match(r"(.*\| )?(qstash|source|eval) ?", line) for line in examples), examples


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_fits_on_a_screen(topic: str, qstash: Qstash) -> None:
    run = qstash("help", topic)

    assert run.code == 0
    assert max(len(line) for line in run.out.splitlines()) <= 80
    assert run.out == f"{TOPICS[topic]()}\n"


def test_every_exit_code_has_its_words(qstash: Qstash) -> None:
    assert set(EXIT_CODES) == set(ExitCode)
    told = re.findall(r"^ *(\d+)  \S", qstash("help", "exit-codes").out, re.MULTILINE)
    assert [int(code) for code in told] == sorted(ExitCode)


def test_every_variable_that_is_read_is_told(qstash: Qstash) -> None:
    read = set()
    for path in PACKAGE.rglob("*.py"):
        if path.name != "_topics.py":
            text = path.read_text()
            read |= set(re.findall(r"\"(QSTASH_[A-Z_]+[A-Z])\"", text))
            read |= set(re.findall(r"env\.get\(\"([A-Z_]+)\"", text))
            read |= set(re.findall(r"\"([A-Z]+_PROXY|SSL_CERT_[A-Z]+)\"", text))
    told = qstash("help", "environment").out

    assert {name for name in read if not name.startswith("_")} - COVERED_ELSEWHERE <= set(
        ENVIRONMENT
    )
    for name in read & COVERED_ELSEWHERE:
        assert name in told


def test_the_topic_on_retries_has_the_real_waits(qstash: Qstash) -> None:
    told = qstash("help", "retries").out

    waits = [format_duration(round(default_delay_ms(n) / 1000)) for n in range(1, 6)]
    assert ", ".join(waits) in told
    assert f"{DEFAULT_RETRIES} times" in told


def test_without_a_topic_they_are_listed_and_a_wrong_one_is_told(qstash: Qstash) -> None:
    listed, wrong = qstash("help"), qstash("help", "exit-code")

    assert [line.split()[-1] for line in listed.out.splitlines()] == list(TOPICS)
    assert wrong.code == 2
    assert "did you mean 'exit-codes'?" in wrong.err


def test_help_of_a_command_is_its_help(qstash: Qstash) -> None:
    by_word, by_option = qstash("help", "dlq", "retry"), qstash("dlq", "retry", "--help")

    assert (by_word.code, by_option.code) == (0, 0)
    assert by_word.out == by_option.out
    assert "Usage: qstash dlq retry [OPTIONS] [DLQ_ID]..." in by_word.out


@pytest.mark.parametrize(("name", "command"), tuple(INDEX.all_commands()))
def test_the_help_names_every_option_and_argument(
    name: str, command: Command, qstash: Qstash
) -> None:
    run = qstash(*name.split(), "--help")

    callbacks = qstash("help", "callbacks").out
    text = run.out + (callbacks if "--callback-*" in run.out else "")
    names = set(re.findall(r"(?<![\w-])--?[\w-]+", text))
    assert run.code == 0
    assert {option.names[0] for option in command.options} <= names
    assert all(one.argument.metavar in run.out for one in command.arguments)


@pytest.mark.parametrize("name", ["publish", "schedule create", "dlq retry"])
def test_a_help_with_callbacks_fits_on_a_screen(name: str, qstash: Qstash) -> None:
    text = qstash(*name.split(), "--help").out
    lines = text.splitlines()

    assert len(lines) <= 56
    assert max(map(len, text.partition("Examples:")[0].splitlines())) <= 80
    assert sum("callback-*" in line for line in lines) == 2


@pytest.mark.parametrize("argv", [(), ("queue",)])
def test_a_missing_command_prints_the_help_and_exits_2(
    argv: tuple[str, ...], qstash: Qstash
) -> None:
    run = qstash(*argv)

    assert (run.code, run.err) == (2, "")
    assert run.out == qstash(*argv, "--help").out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("publish --help --nope", "no such option: --nope"),
        ("publish --help --delay", "requires an argument"),
        ("queue nope --help", "no such command 'nope'"),
    ],
)
def test_a_mistake_beside_help_is_reported(line: str, message: str, qstash: Qstash) -> None:
    run = qstash(*line.split())

    assert (run.code, run.out) == (2, "")
    assert message in run.err


def test_a_value_that_reads_help_is_a_value(qstash: Qstash) -> None:
    run = qstash("publish", "https://example.com", "-d", "--help", "--curl")

    assert run.code == 0
    assert "--data-binary" in run.out or "--help" in run.out
    assert not run.out.startswith("Usage:")
