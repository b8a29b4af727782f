"""The code of the console publishes what the commands publish."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.console import sdk_snippets
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http

_HOOK = "https://example.com/hook"
_CALLBACK = MessageOptions(retries=5, timeout_s=30, headers=(("X-Key", "secret"),))
_OPTIONS = MessageOptions(
    method="PUT", delay_s=3600, timeout_s=20, retries=2, retry_delay="1000 * retried",
    label=("blue", "green"), flow_key="k", parallelism=3, rate=10, period_s=60,
    redact=("header[X-A]",), callback="https://example.com/done",
    failure_callback="https://example.com/failed", headers=(("X-A", "1"),), on_callback=_CALLBACK,
    on_failure_callback=MessageOptions(method="GET"),
)  # fmt: skip
_TOKEN = {"Authorization": f"Bearer {DEV_USER.token}"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server(ServerConfig(port=0)) as made:
        yield made


def _run(code: str, url: str) -> None:
    variables = {"QSTASH_URL": url, "QSTASH_TOKEN": DEV_USER.token}
    subprocess.run([sys.executable, "-c", code], env=os.environ | variables, check=True)  # noqa: S603 - our own code


def _published(url: str) -> dict[str, Any]:
    """The newest message of the log, without what differs between two of them."""
    (entry, *_) = plain_http.get(f"{url}/v2/logs", headers=_TOKEN).json()["logs"]
    found = plain_http.get(f"{url}/v2/messages/{entry['messageId']}", headers=_TOKEN).json()
    return {
        name: value
        for name, value in found.items()
        if name not in {"messageId", "createdAt", "notBefore"}
    }


def test_the_python_code_publishes_the_same_message_as_the_headers(url: str) -> None:
    headers = dict(encode(_OPTIONS)) | {"Content-Type": "application/json"}
    plain_http.post(f"{url}/v2/publish/{_HOOK}", headers=_TOKEN | headers, content='{"a": 1}')
    by_headers = _published(url)

    _run(sdk_snippets.python(_HOOK, _OPTIONS, '{"a": 1}'), url)

    by_code = _published(url)
    assert json.loads(by_code.pop("body")) == json.loads(by_headers.pop("body"))
    assert by_code == by_headers


def test_the_python_code_of_a_queue_enqueues(url: str) -> None:
    plain_http.post(f"{url}/v2/queues", headers=_TOKEN, json={"queueName": "orders"})
    plain_http.post(f"{url}/v2/queues/orders/pause", headers=_TOKEN)

    _run(sdk_snippets.python(_HOOK, MessageOptions(queue="orders"), "hi"), url)

    assert _published(url)["queueName"] == "orders"


def test_the_typescript_code_has_all_options() -> None:
    code = sdk_snippets.typescript(_HOOK, _OPTIONS, "")
    arguments = json.loads(code[code.index("await client.publish(") :].partition("(")[2][:-1])

    assert arguments["flowControl"] == {"key": "k", "parallelism": 3, "rate": 10, "period": 60}
    assert arguments["label"] == ["blue", "green"]
    assert arguments["redact"] == {"header": ["X-A"]}
    assert arguments["headers"] == {
        "X-A": "1",
        "Upstash-Callback-Timeout": "30s",
        "Upstash-Callback-Retries": "5",
        "Upstash-Callback-Forward-X-Key": "secret",
        "Upstash-Failure-Callback-Method": "GET",
    }
    queued = sdk_snippets.typescript(_HOOK, MessageOptions(queue="orders"), "{}")
    assert 'client.queue({ queueName: "orders" }).enqueueJSON(' in queued
