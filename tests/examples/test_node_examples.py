"""The Node.js examples refuse every request that QStash has not signed.

They need npm and its registry, so `.ci/run` runs them: `pytest -m node`. The two that take minutes
to install and start only run with EXAMPLES=all.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.examples.endpoints import (
    EXPRESS,
    LAMBDA_NODE,
    NEXTJS,
    WORKERS,
    Example,
    running,
)
from tests.examples.verdicts import assert_accepts_everything, assert_verifies
from tests.in_process import Qstash

pytestmark = pytest.mark.node

_ADAPTER = f"node {Path(__file__).with_name('lambda.mjs')} index.mjs 3000"
_IS_ALL = os.environ.get("EXAMPLES") == "all"
ENDPOINTS = [
    (EXPRESS, EXPRESS.command),
    (LAMBDA_NODE, _ADAPTER),
    *([(WORKERS, WORKERS.command)] if _IS_ALL else []),
]
# Turbopack compiles the first route in 20 s on a busy machine.
_START_S = 120


def installed(example: Example, directory: Path) -> Path:
    """Copies an example, and installs its dependencies."""
    copied = example.copy_to(directory)
    subprocess.run(
        ["npm", "install", "--silent", "--no-package-lock", "--no-audit", "--no-fund"],  # noqa: S607
        cwd=copied,
        check=True,
    )
    return copied


@pytest.mark.parametrize(
    ("example", "command"), ENDPOINTS, ids=[example.folder for example, _ in ENDPOINTS]
)
def test_the_endpoint_verifies_signatures(
    example: Example, command: str, qstash: Qstash, tmp_path: Path
) -> None:
    directory = installed(example, tmp_path / "endpoint")
    with running(command, directory, within_s=_START_S) as url:
        assert_verifies(qstash, f"{url}/hook", tolerated="warning")

    (directory / example.file).write_text(example.unverified)
    with running(command, directory, within_s=_START_S) as url:
        assert_accepts_everything(qstash, f"{url}/hook")


if _IS_ALL:

    def test_the_route_of_next_js_verifies_signatures(qstash: Qstash, tmp_path: Path) -> None:
        """One server has both routes, because it takes long to start."""
        directory = installed(NEXTJS, tmp_path / "endpoint")
        (directory / "app/unverified").mkdir()
        (directory / "app/unverified/route.js").write_text(NEXTJS.unverified)
        with running(NEXTJS.command, directory, within_s=_START_S) as url:
            assert_verifies(qstash, f"{url}/hook", tolerated="warning")
            assert_accepts_everything(qstash, f"{url}/unverified")
