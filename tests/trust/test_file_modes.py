"""Files are readable only by their owner from the first byte, with any umask."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qstash_cli.server.http.local_endpoint import running_endpoint
from tests.e2e.conftest import plain_environment
from tests.figures import Figures

OF = "file modes"
# An umask of 0 hides nothing, so a file that is restricted only after creation is detected.
UNHELPED = """
import os, runpy, sys
def refuse(event, args):
    if event == "os.chmod":
        raise PermissionError(1, "this test allows no chmod")
sys.addaudithook(refuse)
os.umask(0)
sys.argv[0] = "qstash"
runpy.run_module("qstash_cli", run_name="__main__")
"""
QSTASH = (sys.executable, "-c", UNHELPED)
Files = dict[str, int]


def modes_of(path: Path) -> Files:
    """Returns the modes of all files below a directory by name."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in files}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts a command that prints a URL when it is ready, and kills it after the test."""
    started: list[subprocess.Popen[str]] = []

    def start_(*argv: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(  # noqa: S603 - a command of the test
            [*QSTASH, *argv], env=plain_environment(tmp_path), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"(?:running|listening) at (http://\S+?)\.?$", line):
                return process, found[1]
        raise AssertionError("it did not start")

    yield start_
    for process in started:
        process.kill()
        process.communicate()


def run(url: str, directory: Path, *argv: str, stdin: str = "", **more: str) -> int:
    done = subprocess.run(  # noqa: S603 - a command of the test
        [*QSTASH, *argv, "--dev", "--api-url", url], input=stdin, text=True, check=False,
        env=plain_environment(directory) | more, capture_output=True, cwd=directory,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done
    return done.returncode


def test_every_file_is_created_readable_only_by_its_owner(
    start: Callable[..., tuple[subprocess.Popen[str], str]], tmp_path: Path, figures: Figures
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (tmp_path / "in.jsonl").write_text('{"id":1}\n{\n')
    _, url = start(
        "dev", "--port", "0", "--db", str(files / "qstash.db"),
        "--ready-file", str(files / "ready.env"),
    )  # fmt: skip
    _, listening = start("listen", "--dev", "--save", str(files / "listened"))
    batch = ("batch", "in.jsonl", "--journal", "files/journal", "--rejects", "files/rejects")
    with running_endpoint(lambda _request: (500, b"")) as endpoint:
        to = (endpoint.url, "-d", "secret", "--retries", "0", "--wait")
        codes = [
            run(url, tmp_path, "publish", f"{listening}/hook", "-d", "secret", "--wait"),
            run(url, tmp_path, *batch, "--to", "https://example.com", "--delay", "1d"),
            run(url, tmp_path, "publish", *to),
            run(url, tmp_path, "replay", "--all", "--to", listening, "--save", "files/replayed"),
            run(
                url, tmp_path, "publish", listening, "--github-output", "id",
                GITHUB_OUTPUT=str(files / "output"),
            ),
        ]  # fmt: skip

    found = modes_of(files)
    figures(OF, cases=len(found), failures=sum(mode != 0o600 for mode in found.values()))
    assert codes == [0, 10, 8, 0, 0]
    assert set(found.values()) == {0o600}, {name: f"{mode:o}" for name, mode in found.items()}
    assert list((files / "replayed").iterdir())
    assert set(found) >= {
        "qstash.db", "qstash.db-wal", "ready.env", "0001.http", "journal", "rejects", "output",
    }  # fmt: skip
