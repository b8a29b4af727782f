"""The official workflow SDK for Python, unchanged, against the embedded server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from qstash import AsyncQStash
from upstash_workflow import AsyncWorkflowContext
from upstash_workflow.fastapi import Serve

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.listeners import loopback
from qstash_cli.server.http.uvicorn_server import HttpServer, running_in_thread
from tests import plain_http
from tests.sink import Sink
from tests.workflow_app import AUTHORIZATION

Eventually = Callable[..., Any]


class Application:
    """Workflows served by FastAPI, and what they have done."""

    def __init__(self, server_url: str, url: str, third_party: str) -> None:
        self.url = url
        self.results: dict[str, Any] = {}
        self.ran: list[str] = []
        self.app = FastAPI()
        serve = Serve(self.app)
        client = AsyncQStash(DEV_USER.token, base_url=server_url)
        options: dict[str, Any] = {"qstash_client": client, "receiver": None, "retries": 0}

        async def steps(context: AsyncWorkflowContext[Any]) -> None:
            one = await context.run("one", lambda: self.step("one", f"{context.request_payload}!"))
            await context.sleep("nap", 1)
            called = await context.call(
                "call", url=third_party, method="POST", body={"a": one}, headers={"x-call": "yes"}
            )
            two = await context.run("two", lambda: self.step("two", [one, called.status]))
            self.results[context.workflow_run_id] = two

        async def failed(
            context: AsyncWorkflowContext[Any], status: int, response: str, _headers: Any
        ) -> None:
            self.results[context.workflow_run_id] = (status, response, context.request_payload)

        async def fails(context: AsyncWorkflowContext[Any]) -> None:
            await context.run("fails", lambda: 1 / 0)

        serve.post("/steps", **options)(steps)
        serve.post("/fails", failure_function=failed, **options)(fails)

    def step(self, name: str, result: Any) -> Any:
        """Notes that the function of a step has run."""
        self.ran.append(name)
        return result


@pytest.fixture
def application(server_url: str, sink: Sink) -> Iterator[Application]:
    with loopback(0) as (url, sockets), contextlib.ExitStack() as stack:
        application = Application(server_url, url, sink.url)
        stack.enter_context(running_in_thread(HttpServer(application.app), sockets))
        yield application


def start(server_url: str, url: str, body: str) -> None:
    publish = f"{server_url}/v2/publish/{url}"
    headers = AUTHORIZATION | {"Content-Type": "text/plain"}
    plain_http.post(publish, headers=headers, content=body).raise_for_status()


def test_steps_sleeps_and_calls_of_the_python_sdk(
    application: Application, server_url: str, sink: Sink, eventually: Eventually
) -> None:
    start(server_url, f"{application.url}/steps", "hello")

    eventually(lambda: application.results, within_s=30)

    assert list(application.results.values()) == [["hello!", 200]]
    assert application.ran == ["one", "two"]
    (call,) = sink.received
    assert (call.body, call.header("x-call")) == (b'{"a": "hello!"}', "yes")
    assert not [name for name, _ in call.headers if name.startswith("upstash-workflow")]


def test_a_failure_function_of_the_python_sdk(
    application: Application, server_url: str, eventually: Eventually
) -> None:
    start(server_url, f"{application.url}/fails", "payload")

    eventually(lambda: application.results, within_s=30)

    assert list(application.results.values()) == [(500, "division by zero", "payload")]
