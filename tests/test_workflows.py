"""The workflows: pinned actions, few permissions, and no commands but the scripts of .ci."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import qstash_cli

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXTS = [*WORKFLOWS, ROOT / "action.yml"]
# The permissions that jobs may have beyond reading the sources.
GRANTS = {
    ("release", "build"): {"id-token", "attestations"},
    ("release", "publish"): {"id-token"},
    ("release", "image"): {"packages"},
}


def jobs_of(path: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(path.read_text())["jobs"]
    return jobs


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_each_action_is_pinned_to_a_commit_and_names_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text())

    assert used
    assert not [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", one)]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_may_only_write_what_it_needs(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())

    assert workflow["permissions"] in ({}, {"contents": "read"})
    for name, job in workflow["jobs"].items():
        granted = job.get("permissions", {})
        writes = {scope for scope, level in granted.items() if level == "write"}
        assert writes == GRANTS.get((path.stem, name), set())
        assert "timeout-minutes" in job


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_steps_only_run_scripts_that_exist(path: Path) -> None:
    steps = [step for job in jobs_of(path).values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]

    assert commands
    for one in commands:
        script = re.fullmatch(r'bash (\.ci/[\w-]+)( "\$\w+"| dist)*', one)
        assert script, one
        assert (ROOT / script[1]).is_file()


def test_a_release_waits_for_the_checks() -> None:
    jobs = jobs_of(ROOT / ".github/workflows/release.yml")
    commands = [step["run"] for step in jobs["build"]["steps"] if "run" in step]

    assert "bash .ci/run" in commands
    assert jobs["publish"]["needs"] == "build"
    assert jobs["image"]["needs"] == "publish"


def test_the_version_is_that_of_the_newest_release_in_the_changelog() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(qstash_cli.__version__)} - \d{{4}}-\d\d-\d\d", headings[1])
