"""The program runs without what Windows lacks: POSIX modules, functions of `os`, and signals.

This simulates an absence on the machine of the tests. It does not prove that the program works on
Windows, which is untested.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import QSTASH, plain_environment, run

ROOT = Path(__file__).parents[1]
# The standard library on this machine needs these modules, so it is imported first.
_WITHOUT_POSIX = """
import asyncio, multiprocessing, os, selectors, signal, socket, subprocess, sys, tempfile

for name in ("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in ("chown", "fchmod", "fchown", "fork", "getegid", "geteuid", "getgid", "getpgid",
             "getuid", "killpg", "mkfifo", "openpty", "setsid", "sync", "ttyname", "uname"):
    delattr(os, name)
for name in ("ALRM", "HUP", "KILL", "PIPE", "QUIT", "USR1", "USR2", "WINCH"):
    delattr(signal, f"SIG{name}")


def no_handler(*_arguments):
    raise NotImplementedError


asyncio.SelectorEventLoop.add_signal_handler = no_handler
"""
_IMPORT_ALL = """
import importlib, pkgutil, qstash_cli

names = [one.name for one in pkgutil.walk_packages(qstash_cli.__path__, "qstash_cli.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - code of the test
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_every_module_can_be_imported_without_posix() -> None:
    done = python(_WITHOUT_POSIX + _IMPORT_ALL)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 300


def test_the_simulation_detects_a_posix_module() -> None:
    done = python(_WITHOUT_POSIX + "import termios")

    assert "termios" in done.stderr


@pytest.mark.parametrize("arguments", [["demo"], ["dev", "--", *QSTASH, "queue", "list"]])
def test_the_server_and_the_commands_run_without_posix(
    tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_WITHOUT_POSIX)
    env = plain_environment(tmp_path) | {"PYTHONPATH": str(tmp_path)}

    done = run([*QSTASH, *arguments], env)

    assert done.returncode == 0, done.stdout + done.stderr
