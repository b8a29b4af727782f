"""A workflow run whose server crashes at one of its commits, for each of them."""

from __future__ import annotations

import asyncio
import itertools
import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from qstash_cli.protocol import workflow
from qstash_cli.server.delivery import attempts
from qstash_cli.server.delivery.attempts import AttemptContext
from qstash_cli.server.delivery.http_attempt import AttemptResponse
from qstash_cli.server.delivery.workflow_runs import RunContext, RunEnd, end_run
from qstash_cli.server.services import publishing
from qstash_cli.server.services.publish_rules import PublishRequest
from qstash_cli.server.storage import messages, workflow_pages, workflow_runs, workflow_steps
from qstash_cli.server.storage.store import Connection, Store
from tests.figures import Figures

T = TypeVar("T")
STEPS = 3
URL = "http://127.0.0.1:9/workflow"
ACCEPTED = AttemptResponse(200, ((workflow.SDK_VERSION, "1"),))


class Crashed(Exception):
    """The server crashed: its client does not know whether it has committed."""


class Server:
    """The store of a server that crashes at the commit `crash_at`, before it or after it."""

    def __init__(self, path: Path, crash_at: int, *, is_before: bool) -> None:
        self.path = path
        self.store = Store(path)
        self.crash_at = crash_at
        self.is_before = is_before
        self.commits = 0
        self.ids = itertools.count()

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self.ids)}"

    def do(self, job: Callable[[Connection], T]) -> T:
        self.commits += 1
        if self.commits != self.crash_at:
            return asyncio.run(self.store.run(job))
        if not self.is_before:
            asyncio.run(self.store.run(job))
        self.store.close()
        self.store = Store(self.path)
        raise Crashed

    def read(self, job: Callable[[Connection], T]) -> T:
        return asyncio.run(self.store.run(job))


def context_of(server: Server) -> RunContext:
    return RunContext(0, server.new_id, lambda _id: False)


class Endpoint:
    """The SDK: it submits a step for each delivery. Every result is different."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.results = itertools.count()
        self.deliveries: list[list[Any]] = []

    def publish(self, body: bytes, **headers: str) -> None:
        named = {"Upstash-Workflow-RunId": "wfr_1"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        request = PublishRequest(URL, tuple(named.items()), body, 0, "::1")
        self.server.do(lambda c: publishing.store_publish(c, request, self.server.new_id))

    def receive(self, message_id: str) -> None:
        server = self.server
        message = server.do(lambda c: attempts.begin(c, message_id, context_of(server)))
        if isinstance(message, RunEnd):
            return
        steps = [json.loads(b64decode(one["body"])) for one in json.loads(message.body)]
        self.deliveries.append(steps)
        if len(steps) <= STEPS:
            step = {"stepId": len(steps), "stepName": "s", "stepType": "Run", "concurrent": 1}
            self.publish(json.dumps(step | {"out": next(self.results)}).encode())
        else:
            server.do(self.end)
        context = AttemptContext(0, 0, server.new_id, message_id.__eq__)
        server.do(lambda c: attempts.end(c, message, ACCEPTED, context))

    def end(self, connection: Connection) -> None:
        run = workflow_runs.find_live(connection, "wfr_1")
        if run is not None:
            context = RunContext(0, self.server.new_id, lambda _id: True)
            end_run(connection, run, workflow.SUCCESS, context)


def run_with_a_crash(path: Path, crash_at: int, *, is_before: bool) -> tuple[Endpoint, list[Any]]:
    server = Server(path, crash_at, is_before=is_before)
    endpoint = Endpoint(server)

    def survive(action: Callable[[], None]) -> None:
        try:
            action()
        except Crashed:
            return

    def trigger() -> None:
        endpoint.publish(b'"payload"', Upstash_Workflow_Init="true")

    survive(trigger)
    if not server.read(messages.list_live):
        trigger()
    while live := server.read(messages.list_live):
        for one in live:
            survive(lambda: endpoint.receive(one.id))  # noqa: B023 - called immediately
    (run,) = server.read(lambda c: workflow_pages.page(c, {"workflowRunId": ["wfr_1"]})).runs
    assert run.state == workflow.SUCCESS
    steps = server.read(lambda c: workflow_steps.list_all(c, run.seq))
    server.store.close()
    return endpoint, [json.loads(one.body) for one in steps]


def test_each_result_is_used_once_wherever_the_server_crashes(
    tmp_path: Path, figures: Figures
) -> None:
    undisturbed, _ = run_with_a_crash(tmp_path / "none", 0, is_before=False)
    commits = undisturbed.server.commits
    wrong = []
    for crash_at in range(1, commits + 1):
        for is_before in (True, False):
            path = tmp_path / f"{crash_at}-{is_before}"
            endpoint, steps = run_with_a_crash(path, crash_at, is_before=is_before)
            ids = [one["stepId"] for one in steps[1:]]
            are_prefixes = all(one == steps[: len(one)] for one in endpoint.deliveries)
            if ids != list(range(1, STEPS + 1)) or not are_prefixes:
                wrong.append((crash_at, is_before, steps, endpoint.deliveries))

    figures("workflows, crash at each commit", cases=2 * commits, failures=len(wrong))
    assert commits == 1 + 3 * (STEPS + 1)
    assert wrong == []
