"""The recipes of the guides and the action: each command runs as in its pipeline."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.conftest import plain_environment

ROOT = Path(__file__).parents[2]
RECIPES = "\n".join(path.read_text() for path in sorted((ROOT / "docs/guides").glob("*.md")))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
[MANIFEST] = re.findall(r"```toml\n(# qstash.toml\n.*?)```", RECIPES, re.DOTALL)
# Commands that install software from the network.
SETUP = ("pip install",)
# `plan` exits with 9: the manifest has not been applied to this account.
CODES = {"qstash plan --check": 9}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", RECIPES, re.DOTALL)


def github_steps() -> Iterator[dict[str, Any]]:
    for block in blocks("yaml"):
        for job in yaml.safe_load(block).get("jobs", {}).values():
            yield from (step for step in job["steps"] if "with" in step)


def github_jobs_with_outputs() -> Iterator[dict[str, Any]]:
    for block in blocks("yaml"):
        for job in yaml.safe_load(block).get("jobs", {}).values():
            if any("id" in step for step in job["steps"]):
                yield job


def gitlab_commands() -> Iterator[str]:
    for block in blocks("yaml"):
        for job in yaml.safe_load(block).values():
            script = job.get("script", []) if isinstance(job, dict) else []
            yield from (line for line in script if not line.startswith(SETUP))


def cron_commands() -> Iterator[str]:
    for block in blocks("crontab"):
        for line in block.splitlines():
            if not line.startswith("#"):
                yield line.split(None, 5)[5]


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a job with a server, in a directory with project files."""
    with running_endpoint(lambda _request: (200, b"ok")) as endpoint:
        routes = (("https://example.com", endpoint.url),)
        with running_server(ServerConfig(port=0, routes=routes)) as url:
            yield _job_in(tmp_path, url)


def _job_in(directory: Path, url: str) -> dict[str, str]:
    (directory / "qstash.toml").write_text(MANIFEST)
    (directory / "orders.jsonl").write_text('{"id":1}\n')
    (directory / "test_project.py").write_text(
        "import os\n\n\ndef test_it():\n    assert os.environ['QSTASH_TOKEN']\n"
    )
    config = directory / "config"
    config.mkdir(mode=0o700)
    (config / "config.toml").write_text(
        f'[profiles.prod]\napi_url = "{url}"\ntoken = "{DEV_USER.token}"\n'
    )
    return plain_environment(directory) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(directory),
        "API": url,
        "GITHUB_SHA": "abc",
        "CI_COMMIT_SHA": "abc",
    }


def run(script: str, env: dict[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a recipe of ours
        ["/bin/bash", "-euo", "pipefail", "-c", script], env=env, cwd=directory,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize("step", tuple(github_steps()), ids=lambda step: step["with"]["run"][:30])
def test_the_action_runs_the_recipes(
    step: dict[str, Any], env: dict[str, str], tmp_path: Path
) -> None:
    given = step["with"] | {"url": env["API"]}
    if "token" in given:
        given["token"] = DEV_USER.token
    assert set(given) <= set(ACTION["inputs"])
    inputs = {
        f"INPUT_{name.upper().replace('-', '_')}": given.get(name, "") for name in ACTION["inputs"]
    }
    [script] = [one["run"] for one in ACTION["runs"]["steps"] if one["name"] == "Run"]

    done = run(script, env | inputs, tmp_path)

    assert done.returncode == CODES.get(given["run"], 0), f"{done.stdout}\n{done.stderr}"
    shown = done.stdout.replace(f"::add-mask::{DEV_USER.token}\n", "", 1) + done.stderr
    assert DEV_USER.token not in shown
    assert ("token" in given) == (f"::add-mask::{DEV_USER.token}" in done.stdout)


@pytest.mark.parametrize("job", tuple(github_jobs_with_outputs()))
def test_an_id_reaches_a_later_step(
    job: dict[str, Any], env: dict[str, str], tmp_path: Path
) -> None:
    variables = {"QSTASH_URL": env["API"], "GITHUB_OUTPUT": str(tmp_path / "output")}
    known = {"secrets.QSTASH_TOKEN": DEV_USER.token}
    for step in (one for one in job["steps"] if "run" in one):
        own = job["env"] | step.get("env", {})
        filled = {n: re.sub(r"\$\{\{ (\S+) \}\}", lambda m: known[m[1]], v) for n, v in own.items()}

        done = run(step["run"], env | variables | filled, tmp_path)

        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        for line in (tmp_path / "output").read_text().splitlines():
            name, _, value = line.partition("=")
            known[f"steps.{step.get('id')}.outputs.{name}"] = value
    assert known["steps.start.outputs.message"].startswith("msg_")


def test_every_input_of_the_action_reaches_its_script() -> None:
    steps = ACTION["runs"]["steps"]

    read = str([(one.get("env"), one.get("working-directory")) for one in steps])

    assert set(re.findall(r"inputs\.([\w-]+)", read)) == set(ACTION["inputs"])
    # An expression in a script would let an input break out of its string.
    assert not any("${{" in one.get("run", "") for one in steps)


@pytest.mark.parametrize("command", tuple(gitlab_commands()))
def test_the_commands_for_gitlab_run(command: str, env: dict[str, str], tmp_path: Path) -> None:
    variables = {"QSTASH_URL": env["API"], "QSTASH_TOKEN": DEV_USER.token}

    done = run(command, env | variables, tmp_path)

    assert done.returncode == CODES.get(command, 0), f"{done.stdout}\n{done.stderr}"


SEND_ORDERS = "./send-orders"


def by_cron(command: str, env: dict[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command as cron does, next to the script of the recipes."""
    (script,) = (block for block in blocks("sh") if block.startswith("#!/bin/sh"))
    (directory / "send-orders").write_text(script)
    (directory / "send-orders").chmod(0o755)
    return subprocess.run(  # noqa: S603 - a recipe of ours
        ["/bin/sh", "-c", command],
        env={name: env[name] for name in ("PATH", "HOME", "QSTASH_CONFIG_DIR")},
        cwd=directory, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize("command", tuple(cron_commands()))
def test_the_commands_for_cron_run_with_a_bare_environment(
    command: str, env: dict[str, str], tmp_path: Path
) -> None:
    done = by_cron(command, env, tmp_path)

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    if "send-orders" in command:
        assert [p.name for p in tmp_path.glob("*.jsonl*")] == []
        assert '"sent": 1' in done.stdout
        assert by_cron(command, env, tmp_path).returncode == 0


def test_send_orders_keeps_rejected_orders_and_continues(
    env: dict[str, str], tmp_path: Path
) -> None:
    orders = tmp_path / "orders.jsonl"
    orders.write_text('{"id":1}\n{\n')

    first = by_cron(SEND_ORDERS, env, tmp_path)
    orders.write_text('{"id":3}\n')
    second = by_cron(SEND_ORDERS, env, tmp_path)
    (kept,) = tmp_path.glob("refused-*")
    left = {path.name: path.read_text() for path in kept.iterdir()}
    (kept / "sending.jsonl").write_text('{"id":1}\n{"id":2}\n')
    resumed = by_cron(
        f"qstash batch {kept}/sending.jsonl --profile prod --to https://example.com/hook --resume",
        env, tmp_path,
    )  # fmt: skip

    assert (first.returncode, second.returncode, resumed.returncode) == (10, 0, 0), resumed.stderr
    assert left["sending.jsonl"] == '{"id":1}\n{\n'
    assert '"record":"{"' in left["rejects.jsonl"]
    assert set(left) == {"sending.jsonl", "sending.jsonl.journal", "rejects.jsonl"}
    assert '"sent": 1' in resumed.stdout
    assert not list(tmp_path.glob("*.jsonl"))


def test_send_orders_keeps_unsent_orders_for_the_next_run(
    env: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config" / "config.toml"
    right = config.read_text()
    config.write_text(right.replace(env["API"], "http://127.0.0.1:9"))

    unreached = by_cron(SEND_ORDERS, env, tmp_path)
    left = (tmp_path / "sending.jsonl").read_text()
    config.write_text(right)
    (tmp_path / "orders.jsonl").write_text('{"id":2}\n')
    runs = [by_cron(SEND_ORDERS, env, tmp_path) for _ in range(2)]

    assert (unreached.returncode, left) == (6, '{"id":1}\n')
    assert [(run.returncode, '"sent": 1' in run.stdout) for run in runs] == [(0, True), (0, True)]
    assert [p.name for p in tmp_path.glob("*.jsonl*")] == []


def test_a_nightly_check_fails_if_a_message_was_not_delivered(
    env: dict[str, str], tmp_path: Path
) -> None:
    variables = {"QSTASH_URL": env["API"], "QSTASH_TOKEN": DEV_USER.token}
    lost = "qstash publish http://127.0.0.1:9/none --retries 0 --wait"
    assert run(lost, env | variables, tmp_path).returncode == 8

    done = run("qstash dlq list --since 24h --fail-if-any", env | variables, tmp_path)

    assert done.returncode == 1
    assert "http://127.0.0.1:9/none" in done.stdout
