"""Unused data on standard input causes a warning; it is not read, awaited or an error."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import QSTASH, plain_environment

_HOOK = "https://example.com/hook"
_WARNING = (
    "warning: standard input has data that is not used; add `-d -` to read the body from it\n"
)
TAKE_A_BODY: dict[str, Sequence[str]] = {
    "publish": ("publish", _HOOK, "--dry-run"),
    "publish to a queue": ("publish", _HOOK, "--queue", "q", "--dry-run"),
    "schedule create": ("schedule", "create", _HOOK, "--cron", "@daily", "--dry-run"),
    "api": ("api", "POST", "/v2/x", "--dry-run"),
    "sign": ("sign", "--url", _HOOK, "--dev"),
    "probe": ("probe", "http://127.0.0.1:9/", "--dev"),
    "verify": ("verify", "--signature", "a.b.c", "--dev"),
}
DO_NOT: dict[str, Sequence[str]] = {
    "a body of items": ("publish", _HOOK, "a=1", "--dry-run"),
    "a body of text": ("publish", _HOOK, "-d", "", "--dry-run"),
    "a body from standard input": ("publish", _HOOK, "-d", "-", "--dry-run"),
    "a signature from it": ("verify", "--signature", "-", "--dev"),
    "a request without a body": ("api", "GET", "/v2/x", "--dry-run"),
    "a command without a body": ("queue", "list", "--dry-run"),
}


class Inputs:
    """Creates file descriptors for kinds of standard input; all are closed at the end."""

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self._stack = stack
        self._directory = directory

    def of(self, kind: str) -> int:
        is_open, data = "open" in kind, b"-left-\n" if "data" in kind else b""
        if kind.startswith("pipe"):
            reader, writer = os.pipe()
            os.write(writer, data)
            self._keep_or_close(writer, is_open=is_open)
            return self._kept(reader)
        if kind.startswith("socket"):
            ours, theirs = socket.socketpair()
            ours.sendall(data)
            self._keep_or_close(ours.detach(), is_open=is_open)
            return self._kept(theirs.detach())
        if kind.startswith("terminal"):
            master, slave = os.openpty()
            self._kept(master)
            return self._kept(slave)
        if kind == "/dev/null":
            return self._kept(os.open(os.devnull, os.O_RDONLY))
        path = self._directory / "input"
        path.write_bytes(data)
        descriptor = self._kept(os.open(path, os.O_RDONLY))
        if "read" in kind:
            os.lseek(descriptor, 0, os.SEEK_END)
        return descriptor

    def _keep_or_close(self, descriptor: int, *, is_open: bool) -> None:
        if is_open:
            self._kept(descriptor)
        else:
            os.close(descriptor)

    def _kept(self, descriptor: int) -> int:
        self._stack.callback(os.close, descriptor)
        return descriptor


WARNED = ("pipe with data", "pipe with data, open", "file with data", "socket with data, open")
SILENT = (
    "pipe", "pipe, open", "socket", "socket, open", "terminal", "/dev/null", "file",
    "file with data, read to its end",
)  # fmt: skip


@pytest.fixture
def inputs(tmp_path: Path) -> Iterator[Inputs]:
    with ExitStack() as stack:
        yield Inputs(stack, tmp_path)


def run(words: Sequence[str], stdin: int, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a command of the test
        [*QSTASH, *words], env=plain_environment(home), stdin=stdin, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("kind", WARNED)
def test_unused_data_is_a_warning_and_is_not_read(
    inputs: Inputs, tmp_path: Path, kind: str
) -> None:
    stdin = inputs.of(kind)

    done = run(TAKE_A_BODY["publish"], stdin, tmp_path)

    assert (done.returncode, done.stderr) == (0, _WARNING), done
    assert "-left-" not in done.stdout
    assert os.read(stdin, 10) == b"-left-\n"


@pytest.mark.parametrize("kind", SILENT)
def test_an_input_without_data_is_not_awaited_and_no_warning(
    inputs: Inputs, tmp_path: Path, kind: str
) -> None:
    done = run(TAKE_A_BODY["publish"], inputs.of(kind), tmp_path)

    assert (done.returncode, done.stderr) == (0, ""), done


@pytest.mark.parametrize("name", TAKE_A_BODY)
def test_every_command_that_takes_a_body_warns(inputs: Inputs, tmp_path: Path, name: str) -> None:
    with_data = run(TAKE_A_BODY[name], inputs.of("pipe with data"), tmp_path)
    without = run(TAKE_A_BODY[name], inputs.of("/dev/null"), tmp_path)

    assert _WARNING in with_data.stderr, with_data
    assert with_data.returncode == without.returncode
    assert with_data.stderr.replace(_WARNING, "") == without.stderr


@pytest.mark.parametrize("name", DO_NOT)
def test_a_command_that_uses_its_input_or_needs_none_does_not_warn(
    inputs: Inputs, tmp_path: Path, name: str
) -> None:
    done = run(DO_NOT[name], inputs.of("pipe with data"), tmp_path)

    assert "standard input has data" not in done.stderr, done
