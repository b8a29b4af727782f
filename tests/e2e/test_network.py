"""Local commands make no requests, even if the network hangs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from qstash_cli.cli.index import INDEX
from tests.e2e.conftest import QSTASH, plain_environment
from tests.e2e.together import run_together
from tests.e2e.watched import connections, watched
from tests.every_command import argv

ALONE: dict[str, tuple[str, ...]] = {
    "version": ("--version",),
    "help": ("--help",),
    **{f"{one.name} --help": (one.name, "--help") for one in INDEX.entries},
    **{
        name: argv(name)
        for name in ("verify", "sign", "schedule next", "retries", "completion bash", "help",
                     "config show", "config path")
    },
}  # fmt: skip
COMPLETED = ("qstash pub", "qstash queue ", "qstash publish --re", "qstash schedule create --tz Eu",
             "qstash logs -o ", "qstash logs --state ")  # fmt: skip


def unreachable(tmp_path: Path) -> dict[str, str]:
    """An environment with credentials, on a network that drops all packets."""
    env = plain_environment(tmp_path) | {
        "QSTASH_TOKEN": "token-of-a-test",
        "QSTASH_URL": "https://qstash.upstash.io",
        "QSTASH_CURRENT_SIGNING_KEY": "sig_of_a_test",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    return watched(env, tmp_path, swallow=True)


def test_local_commands_work_on_a_network_that_drops_packets(tmp_path: Path) -> None:
    ran = run_together([(words, {}) for words in ALONE.values()], unreachable(tmp_path))

    assert [name for name, one in zip(ALONE, ran, strict=True) if not one.out] == []
    assert connections(tmp_path) == []


def test_completion_of_local_values_makes_no_requests(tmp_path: Path) -> None:
    ran = run_together(
        [((), {"_QSTASH_COMPLETE": "bash", "_QSTASH_LINE": line}) for line in COMPLETED],
        unreachable(tmp_path),
    )

    assert [line for line, one in zip(COMPLETED, ran, strict=True) if one.out.count("\n") < 2] == []
    assert connections(tmp_path) == []


def test_completion_of_remote_values_times_out_quickly(tmp_path: Path) -> None:
    env = unreachable(tmp_path) | {
        "_QSTASH_COMPLETE": "bash",
        "_QSTASH_LINE": "qstash queue get ",
    }
    done = subprocess.run(  # noqa: S603 - a command of the test
        QSTASH, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert connections(tmp_path) == ["socket.getaddrinfo qstash.upstash.io"]
