"""A workflow run on `dev --db` with kills between its steps: each result is used once."""

from __future__ import annotations

import random
import signal
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from qstash_cli.server.http.local_endpoint import Received
from tests.e2e.conftest import Dev
from tests.figures import Figures
from tests.trust.conftest import client_of
from tests.workflow_app import WorkflowApp, result, running_workflow, steps_of

Eventually = Callable[..., object]
STEPS = 100
KILLS = 6


class Counting:
    """Submits steps whose results are all different, also if a delivery is repeated."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.deliveries: list[list[Any]] = []
        # Set while the application knows the URL of the server.
        self.is_up = threading.Event()
        self.is_up.set()

    def submit(self, app: WorkflowApp, request: Received) -> None:
        steps = steps_of(request)
        with self.lock:
            self.deliveries.append(steps)
        self.is_up.wait()
        if len(steps) <= STEPS:
            step = result(len(steps), f"{uuid.uuid4()}")
            app.step("wfr_1", step).raise_for_status()
        else:
            ended = app.api.delete("/v2/workflows/runs/wfr_1?cancel=false")
            assert ended.status_code in {200, 404}


def test_a_run_of_many_steps_survives_kills_between_them(
    start_dev: Callable[..., Dev], tmp_path: Path, eventually: Eventually, figures: Figures
) -> None:
    db, chance, counting = str(tmp_path / "db"), random.Random(5), Counting()  # noqa: S311 - no secret
    dev = start_dev("--db", db, "--port", "0")
    with running_workflow(dev.url, submit=counting.submit) as app, ExitStack() as clients:
        retry = {"Upstash_Retries": "20", "Upstash_Retry_Delay": "50"}
        app.trigger("wfr_1", **retry).raise_for_status()
        for number in range(KILLS):
            wanted = STEPS * number // KILLS + chance.randrange(1, 10)
            eventually(lambda: len(counting.deliveries) > wanted, within_s=60)  # noqa: B023 - called immediately
            counting.is_up.clear()
            dev.process.send_signal(signal.SIGKILL)
            dev.process.wait()
            dev = start_dev("--db", db, "--port", "0")
            app.api = clients.enter_context(client_of(dev))
            counting.is_up.set()
        eventually(lambda: app.log("wfr_1")["workflowState"] != "RUN_STARTED", within_s=60)
        log = app.log("wfr_1")

    assert log["workflowState"] == "RUN_SUCCESS"
    steps = [step for group in log["steps"] for step in group["steps"]]
    assert [step.get("stepId", 0) for step in steps] == list(range(STEPS + 1))
    results = [step["out"] for step in steps]
    wrong = [
        one
        for one in counting.deliveries
        if [one[0], *(step["out"] for step in one[1:])] != results[: len(one)]
    ]
    figures("workflows, kill -9", cases=len(counting.deliveries), failures=len(wrong))
    assert not wrong
