"""`qstash dev --ready-file`: created when the server is ready, removed at the end."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import QSTASH, Dev, plain_environment, run

StartDev = Callable[..., Dev]

MANIFEST = "[queues.orders]\n"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "seed.toml"
    path.write_text(MANIFEST)
    return path


def test_the_ready_file_contains_the_printed_variables_and_can_be_sourced(
    start_dev: StartDev, manifest: Path, tmp_path: Path
) -> None:
    file = tmp_path / "ready.env"
    file.write_text("of an older server")

    dev = start_dev("--port", "0", "--ready-file", str(file), "--seed", str(manifest))

    assert file.read_text() == dev.printed
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {p.name for p in tmp_path.iterdir()} == {"ready.env", "seed.toml"}
    sourced = run(
        ["/bin/sh", "-c", f". {file} && {' '.join(QSTASH)} queue list -q"],
        plain_environment(tmp_path),
    )
    assert (sourced.returncode, sourced.stdout) == (0, "orders\n"), sourced.stderr


@pytest.mark.parametrize(("number", "codes"), [(signal.SIGINT, {0}), (signal.SIGTERM, {-15})])
def test_the_ready_file_is_removed_at_the_end(
    start_dev: StartDev, tmp_path: Path, number: signal.Signals, codes: set[int]
) -> None:
    file = tmp_path / "ready.env"
    dev = start_dev("--port", "0", "--ready-file", str(file))
    assert file.exists()

    dev.process.send_signal(number)

    assert dev.process.wait(timeout=60) in codes
    assert list(tmp_path.iterdir()) == []


def test_a_ready_file_of_another_server_is_kept(start_dev: StartDev, tmp_path: Path) -> None:
    file = tmp_path / "ready.env"
    first = start_dev("--port", "0", "--ready-file", str(file))
    second = start_dev("--port", "0", "--ready-file", str(file))

    first.process.send_signal(signal.SIGTERM)
    first.process.wait(timeout=60)

    assert file.read_text() == second.printed


def test_an_old_ready_file_is_removed_even_if_the_start_fails(tmp_path: Path) -> None:
    file = tmp_path / "ready.env"
    file.write_text("of an older server")

    done = run(
        [*QSTASH, "dev", "--ready-file", str(file), "--seed", str(tmp_path / "nope")],
        plain_environment(tmp_path),
    )

    assert (done.returncode, "nope" in done.stderr) == (2, True), done.stderr
    assert not file.exists()


@pytest.mark.parametrize("place", ["nowhere/ready.env", "a-directory", "a-link", "seed.toml"])
def test_an_impossible_ready_file_is_rejected(manifest: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "a-directory").mkdir()
    (tmp_path / "a-link").symlink_to(manifest)

    done = run(
        [*QSTASH, "dev", "--port", "0", "--ready-file", str(tmp_path / place),
         "--seed", str(manifest)],
        plain_environment(tmp_path),
    )  # fmt: skip

    assert done.returncode == 2, done.stderr
    assert "ready" in done.stderr
    assert done.stdout == ""
    assert manifest.read_text() == MANIFEST
    assert (tmp_path / "a-link").is_symlink()


def test_the_ready_file_exists_while_a_command_runs(tmp_path: Path) -> None:
    file = tmp_path / "ready.env"

    done = run(
        [*QSTASH, "dev", "--ready-file", str(file), "--", "/bin/sh", "-c",
         f'before="$QSTASH_URL"; unset QSTASH_URL; . {file}; test "$before" = "$QSTASH_URL"'],
        plain_environment(tmp_path),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert not file.exists()


def test_sigterm_reaches_the_command_and_the_file_is_removed(tmp_path: Path) -> None:
    file, ended = tmp_path / "ready.env", tmp_path / "ended"
    script = (
        "import pathlib, signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
        "print('running', flush=True)\n"
        "signal.sigwait({signal.SIGTERM})\n"
        f"pathlib.Path({str(ended)!r}).touch()\n"
        "sys.exit(7)"
    )
    process = subprocess.Popen(  # noqa: S603 - a command of the test
        [*QSTASH, "dev", "--ready-file", str(file), "--", sys.executable, "-c", script],
        env=plain_environment(tmp_path), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()

    assert process.returncode == 7
    assert ended.exists()
    assert not file.exists()
