"""The four example changes in CONTRIBUTING.md apply to this tree, and work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIFFS = re.findall(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
QSTASH = f"{sys.executable} -m qstash_cli"
STEPS = (
    f"{QSTASH} queue set orders -q && {QSTASH} quota -o json && {QSTASH} queue list -o ids0"
    f" && {QSTASH} api GET /v2/queues/orders/lag"
)


@pytest.fixture(scope="module")
def changed_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with all of the changes."""
    tree = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "qstash_cli", tree / "qstash_cli", ignore=ignored)
    for diff in DIFFS:
        # Outside a repository, `git apply` changes the files in the current directory.
        run(tree, "git", "apply", "-", stdin=diff, GIT_CEILING_DIRECTORIES=str(tree.parent))
    return tree


def run(tree: Path, *argv: str, stdin: str = "", **env: str) -> str:
    done = subprocess.run(  # noqa: S603 - a command of the test
        argv, cwd=tree, input=stdin, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(tree), "QSTASH_CONFIG_DIR": str(tree / "config")} | env,
    )  # fmt: skip
    assert done.returncode == 0, done
    return done.stdout


def test_there_are_four_diffs() -> None:
    assert len(DIFFS) == 4


def test_the_new_message_option_becomes_a_flag_and_a_header(changed_tree: Path) -> None:
    url = "https://example.com"

    sent = run(changed_tree, *QSTASH.split(), "publish", url, "--priority=3", "--dry-run", "--dev")

    assert "Upstash-Priority: 3\n" in sent


def test_the_new_command_format_and_route_work(changed_tree: Path) -> None:
    printed = run(changed_tree, *QSTASH.split(), "dev", "--port", "0", "--", "sh", "-c", STEPS)

    assert printed == 'orders\n{\n  "queues": 1\n}\norders\x000\n'
