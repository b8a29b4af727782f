"""An interrupted `apply`, as a real process."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path

from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from tests.e2e.conftest import QSTASH, plain_environment


def test_ctrl_c_reports_the_remaining_steps(tmp_path: Path) -> None:
    reached, over = threading.Event(), threading.Event()

    def respond(request: Received) -> tuple[int, bytes]:
        if request.method == "POST" and b"second" in request.body:
            reached.set()
            over.wait(120)
        return 200, b"[]" if request.method == "GET" else json.dumps({}).encode()

    manifest = "[queues.first]\n[queues.second]\n[queues.third]\n"
    with running_endpoint(respond) as endpoint:
        env = plain_environment(tmp_path) | {"QSTASH_URL": endpoint.url, "QSTASH_TOKEN": "token"}
        process = subprocess.Popen(  # noqa: S603 - a command of the test
            [*QSTASH, "apply", "-f", "-", "--yes"], env=env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(manifest)
        process.stdin.close()
        process.stdin = None
        assert reached.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        over.set()

    assert process.returncode == 130, err
    assert out == ""
    assert (
        "interrupted; 1 of 3 changes are done, not done: create queue second, create queue third"
        in err
    )
    assert "Traceback" not in err
