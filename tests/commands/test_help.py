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


def test_help_of_a_command_is_its_help(qstash: Qstash, capsys: pytest.CaptureFixture[str]) -> None:
    assert qstash("help", "dlq", "retry").code == 0
    by_word = capsys.readouterr().out
    qstash("dlq", "retry", "--help")

    assert by_word == capsys.readouterr().out
    assert "qstash dlq retry" in by_word
