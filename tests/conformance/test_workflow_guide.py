"""The guide to workflows: its application and its commands, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.listeners import loopback
from qstash_cli.server.http.uvicorn_server import HttpServer, running_in_thread
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.conftest import plain_environment

GUIDE = (Path(__file__).parents[2] / "docs/guides/workflows.md").read_text()
[APPLICATION] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
# The first two start the server and the application.
SCRIPTS = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)[2:]


def test_the_commands_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        running_server(ServerConfig(port=0, speed=0)) as server,
        loopback(0) as (url, sockets),
    ):
        variables = {
            "QSTASH_URL": server,
            "QSTASH_TOKEN": DEV_USER.token,
            "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
            "QSTASH_NEXT_SIGNING_KEY": DEV_USER.next_signing_key,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        names: dict[str, Any] = {}
        exec(APPLICATION, names)  # noqa: S102 - an example of ours
        script = "\n".join(SCRIPTS).replace("http://127.0.0.1:3000", url)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with running_in_thread(HttpServer(names["app"]), sockets):
            done = subprocess.run(  # noqa: S603 - a recipe of ours
                ["/bin/bash", "-uxc", script],
                env=plain_environment(tmp_path) | variables | {"PATH": path},
                cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
            )  # fmt: skip

    output = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, output
    assert "the run has failed" in done.stdout, output
    assert "the mail server is down" in output
    last = [line for line in done.stdout.splitlines() if "RUN_" in line or "wfr_" in line][-1]
    assert "SUCCESS" in last, output
