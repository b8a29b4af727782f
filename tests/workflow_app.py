"""An endpoint that behaves as the workflow SDK does: it submits one step for each delivery."""

from __future__ import annotations

import contextlib
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.listeners import loopback
from qstash_cli.server.http.local_endpoint import Received
from qstash_cli.server.http.uvicorn_server import HttpServer, running_in_thread
from tests import plain_http

VERSION = {"Upstash-Workflow-Sdk-Version": "1"}
AUTHORIZATION = {"Authorization": f"Bearer {DEV_USER.token}"}


@dataclass
class WorkflowApp:
    """An application with one workflow, which submits `total` steps and then ends its run.

    `status` and `headers` are of its responses. `submit` may replace what it does with a delivery,
    and returns the status if it is another. A change while a delivery is handled is for later ones.
    """

    url: str
    api: httpx.Client
    total: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(VERSION))
    received: list[Received] = field(default_factory=list)
    submit: Callable[[WorkflowApp, Received], int | None] | None = None

    def trigger(self, run_id: str, body: str = "payload", **headers: str) -> httpx.Response:
        """Starts a run as the SDK does."""
        named = {"Upstash-Workflow-Init": "true"} | self.step_headers(run_id)
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.batch([{"destination": self.url, "headers": named, "body": body}])

    def step(self, run_id: str, step: dict[str, Any], **headers: str) -> httpx.Response:
        """Submits a step."""
        named = self.step_headers(run_id) | {n.replace("_", "-"): v for n, v in headers.items()}
        return self.batch([{"destination": self.url, "headers": named, "body": json.dumps(step)}])

    def call(
        self, run_id: str, step_id: int, url: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """Submits the call of a step to a third party."""
        named = {
            "Upstash-Workflow-RunId": run_id,
            "Upstash-Workflow-CallType": "toCallback",
            "Upstash-Workflow-Sdk-Version": "1",
            "Upstash-Forward-Upstash-Workflow-Invoke-Count": "1",
            "Upstash-Retries": "0",
            "Upstash-Callback": self.url,
            "Upstash-Callback-Workflow-RunId": run_id,
            "Upstash-Callback-Workflow-CallType": "fromCallback",
            "Upstash-Callback-Forward-Upstash-Workflow-Callback": "true",
            "Upstash-Callback-Forward-Upstash-Workflow-StepId": str(step_id),
            "Upstash-Callback-Forward-Upstash-Workflow-StepName": "call",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.batch([{"destination": url, "headers": named, "body": body}])

    def batch(self, items: list[dict[str, Any]]) -> httpx.Response:
        """Publishes a batch."""
        return self.api.post("/v2/batch", json=items)

    def step_headers(self, run_id: str) -> dict[str, str]:
        """Returns the headers with which the SDK submits steps."""
        return {
            "Upstash-Workflow-RunId": run_id,
            "Upstash-Workflow-Url": self.url,
            "Upstash-Forward-Upstash-Workflow-Sdk-Version": "1",
        }

    def log(self, run_id: str) -> dict[str, Any]:
        """Returns the log of the latest run with this id."""
        response = self.api.get("/v2/workflows/events", params={"workflowRunId": run_id})
        found: dict[str, Any] = response.json()["runs"][0]
        return found

    def handle(self, request: Received) -> Response:
        """Does what the SDK does with a delivery."""
        # Read before the test, or the next delivery, can change them.
        status, headers = self.status, dict(self.headers)
        self.received.append(request)
        if self.submit is not None:
            status = self.submit(self, request) or status
        elif status == 200:
            self._continue(request)
        return Response(b"{}", status, headers)

    def _continue(self, request: Received) -> None:
        run_id, done = request.header("upstash-workflow-runid"), len(steps_of(request))
        if done <= self.total:
            self.step(run_id, result(done, f"result {done}")).raise_for_status()
        else:
            path = f"/v2/workflows/runs/{run_id}?cancel=false"
            self.api.request("DELETE", path, content=b'"done"').raise_for_status()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        received = Received(
            request.method,
            request.url.path,
            tuple((n.lower(), v) for n, v in request.headers.items()),
            await request.body(),
        )
        response = await run_in_threadpool(self.handle, received)
        await response(scope, receive, send)


def quiet(_app: WorkflowApp, _request: Received) -> None:
    """Submits nothing."""


def result(step_id: int, out: object, **more: Any) -> dict[str, Any]:
    """Returns the result of a step."""
    step = {"stepId": step_id, "stepName": f"step {step_id}", "stepType": "Run", "concurrent": 1}
    return step | {"out": json.dumps(out)} | more


def steps_of(request: Received) -> list[Any]:
    """Returns the initial payload and the steps in a delivery."""
    payload, *steps = json.loads(request.body)
    return [b64decode(payload["body"]).decode(), *(json.loads(b64decode(s["body"])) for s in steps)]


@contextlib.contextmanager
def running_workflow(server_url: str, **options: Any) -> Iterator[WorkflowApp]:
    """Runs an application beside a server."""
    with (
        plain_http.Client(base_url=server_url, headers=AUTHORIZATION) as api,
        loopback(0) as (url, sockets),
    ):
        app = WorkflowApp(url, api, **options)
        with running_in_thread(HttpServer(app), sockets):
            yield app
