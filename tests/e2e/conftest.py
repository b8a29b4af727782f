"""Fixtures: `qstash dev`, `listen` and other commands as real processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.config.unattended import NAMES
from tests.leaks import leaked

QSTASH = (sys.executable, "-m", "qstash_cli")


def plain_environment(home: Path) -> dict[str, str]:
    """Returns the environment without QStash's variables, as a person has it."""
    kept = {
        n: v
        for n, v in os.environ.items()
        if not n.startswith(("QSTASH_", "_QSTASH", "OTEL_")) and n not in NAMES
    }
    return kept | {"QSTASH_CONFIG_DIR": str(home / "config")}


@dataclass
class Dev:
    """A running `qstash dev`, and the environment that it prints."""

    process: subprocess.Popen[str]
    url: str
    env: dict[str, str]
    printed: str

    def qstash(self, *argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(  # noqa: S603 - a command of the test
            [*QSTASH, *argv], env=self.env, input=stdin, capture_output=True, text=True, check=False
        )
        assert not leaked(argv, self.env, done.stdout, done.stderr), done
        return done


@pytest.fixture
def start_dev(tmp_path: Path) -> Iterator[Callable[..., Dev]]:
    """Returns a function that starts `qstash dev`; the processes are stopped after the test.

    `before` is a command prefix; `stderr` is a file for standard error; `variables` are added to
    the environment.
    """
    started: list[subprocess.Popen[str]] = []

    def start(
        *argv: str, before: Sequence[str] = (), stderr: Path | None = None, **variables: str
    ) -> Dev:
        env = plain_environment(tmp_path) | variables
        with ExitStack() as files:
            process = subprocess.Popen(  # noqa: S603 - a command of the test
                [*before, *QSTASH, "dev", *argv],
                env=env,
                stdout=subprocess.PIPE,
                stderr=files.enter_context(stderr.open("wb")) if stderr is not None else None,
                text=True,
            )
        started.append(process)
        printed = ""
        assert process.stdout is not None
        for line in process.stdout:
            printed += line
            if "running at" in line:
                break
        found = dict(re.findall(r"^export (\w+)='(.*)'$", printed, re.MULTILINE))
        assert found, printed
        return Dev(process, found["QSTASH_URL"], env | found, printed)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@dataclass
class Listener:
    """A running `qstash listen -o jsonl`."""

    process: subprocess.Popen[str]
    url: str

    def record(self) -> Any:
        """Reads the next record."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def stop(self) -> str:
        """Stops the process and returns the rest of its standard error."""
        self.process.terminate()
        return self.process.communicate()[1]


Listen = Callable[..., Listener]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """Returns a function that starts `qstash listen`; the processes are stopped after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> Listener:
        process = subprocess.Popen(  # noqa: S603 - a command of the test
            [*QSTASH, "listen", "-o", "jsonl", *argv],
            env=plain_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"listening at (\S+)", line):
                return Listener(process, found[1])
        raise AssertionError("it did not listen")

    yield start
    for process in started:
        process.kill()
        process.communicate()


def run(argv: Sequence[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a process to its end."""
    done = subprocess.run(  # noqa: S603 - a command of the test
        argv, env=env, capture_output=True, text=True, check=False
    )
    if tuple(argv[: len(QSTASH)]) == QSTASH:
        assert not leaked(argv[len(QSTASH) :], env, done.stdout, done.stderr), done
    return done
