"""Sessions of the official client, over real standard input and output and over HTTP."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from qstash_cli.cli.context import Context
from qstash_cli.mcp_server.http import McpEndpoint
from qstash_cli.protocol.dev_credentials import DEV_USER, DEV_USERS, Credentials
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.conftest import QSTASH, Dev, plain_environment, run
from tests.in_process import Qstash
from tests.sink import Sink

Session = Callable[[Client], Awaitable[None]]


def session_over_stdio(env: dict[str, str], session: Session, *argv: str) -> None:
    async def connected() -> None:
        server = StdioServerParameters(command=QSTASH[0], args=[*QSTASH[1:], "mcp", *argv], env=env)
        async with Client(stdio_client(server)) as client:
            await session(client)

    asyncio.run(connected())


async def content(client: Client, tool: str, **given: Any) -> Any:
    answer = await client.call_tool(tool, given)
    assert not answer.is_error, answer
    return answer.structured_content


def test_a_client_finds_out_why_a_delivery_failed(
    local: Qstash, sink: Sink, tmp_path: Path
) -> None:
    sink.statuses, sink.body = [422], b'{"detail":"field customer is missing"}'
    published = local("publish", sink.url, "-d", "{}", "--retries", "0", "--label", "orders")

    async def session(client: Client) -> None:
        listed = (await client.list_tools()).tools
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed)
        assert "publish" not in {tool.name for tool in listed}

        failed: list[Any] = []
        while not failed:
            failed = (await content(client, "logs", label=["orders"], state=["failed"]))["records"]
        assert failed[0]["messageId"] == published.out.strip()
        found = await content(client, "message_show", some_id=failed[0]["messageId"])
        entry = found["record"]["dlq"]
        assert (entry["url"], entry["responseStatus"]) == (sink.url, 422)
        assert "field customer is missing" in entry["responseBody"]["untrusted"]

        refused = await client.call_tool("publish", {"destination": sink.url})
        assert refused.is_error
        assert "--allow-writes" in refused.structured_content["error"]["hint"]

    session_over_stdio(plain_environment(tmp_path) | local.env, session)


def test_a_client_that_may_write_retries_what_failed(
    local: Qstash, sink: Sink, tmp_path: Path, eventually: Callable[..., object]
) -> None:
    sink.statuses = [500, 200]
    message_id = local("publish", sink.url, "-d", "1", "--retries", "0").out.strip()
    eventually(lambda: local("dlq", "list", "-q").out)

    async def session(client: Client) -> None:
        tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
        assert tools["dlq_delete"] is not None
        assert tools["dlq_delete"].destructive_hint
        assert tools["dlq_retry"] is not None
        assert not tools["dlq_retry"].read_only_hint
        await content(client, "dlq_retry", message=[message_id])

    session_over_stdio(plain_environment(tmp_path) | local.env, session, "--allow-writes")

    eventually(lambda: len(sink.received) == 2)
    assert local("dlq", "list", "-q").out == ""


def test_dev_serves_the_user_of_the_token(start_dev: Callable[..., Dev], sink: Sink) -> None:
    dev = start_dev("--port", "0")
    other = next(user for user in DEV_USERS if user != DEV_USER)
    dev.qstash("publish", sink.url, "-d", "1", "--delay", "1d")

    async def messages(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(f"{dev.url}/mcp", http_client=http)) as client,
        ):
            names = {tool.name for tool in (await client.list_tools()).tools}
            assert {"logs", "message_show"} <= names
            assert not names & {"publish", "plan", "doctor"}
            return len((await content(client, "logs"))["records"])

    assert asyncio.run(messages(DEV_USER.token)) == 1
    assert asyncio.run(messages(other.token)) == 0


@pytest.fixture(scope="module")
def dev_url() -> Iterator[str]:
    """A server with the endpoint of `qstash dev`."""
    with running_server(ServerConfig(port=0, mcp=McpEndpoint(_no_context))) as url:
        yield url


def _no_context(_url: str, _user: Credentials) -> Context:
    raise AssertionError("no tool may be called")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {DEV_USER.token}", "Origin": "https://evil.example"}, 403),
        ({"Authorization": f"Bearer {DEV_USER.token}", "Host": "evil.example"}, 421),
    ],
)
def test_dev_refuses_strangers(dev_url: str, headers: dict[str, str], status: int) -> None:
    response = httpx2.post(f"{dev_url}/mcp", headers=headers, json={})

    assert response.status_code == status


@pytest.mark.usefixtures("all_stopped")
def test_dev_without_the_extra_says_how_to_install_it(
    dev_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    # The server is started and has its modules.
    assert httpx2.get(f"{dev_url}/mcp", headers=headers).status_code == 405
    monkeypatch.delitem(sys.modules, "mcp")
    monkeypatch.setattr(sys, "path", [one for one in sys.path if "site-packages" not in one])

    response = httpx2.post(f"{dev_url}/mcp", headers=headers, json={})

    assert response.status_code == 404
    assert "pip install 'qstash-cli[mcp]'" in response.json()["error"]


def cpu_s_of_children(work: Callable[[], object]) -> float:
    """Returns the CPU time of the processes that were started and awaited meanwhile."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_tools_are_listed_soon_after_the_import_of_the_sdk(tmp_path: Path) -> None:
    # Importing the SDK takes longer than everything else.
    env = plain_environment(tmp_path)

    async def session(client: Client) -> None:
        assert (await client.list_tools()).tools

    import_s = cpu_s_of_children(lambda: run([sys.executable, "-c", "import mcp"], env))
    session_s = cpu_s_of_children(lambda: session_over_stdio(env, session))

    assert session_s < 3 * import_s
