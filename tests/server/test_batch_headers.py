"""The header values of batch items, which JSON may type as something else than a string."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import plain_http
from tests.sink import Sink

Eventually = Callable[..., object]
NAME = "Upstash-Forward-X-Sent"


def send(server_url: str, to: str, value: object) -> Any:
    return plain_http.post(
        f"{server_url}/v2/batch",
        headers={"Authorization": f"Bearer {DEV_USER.token}"},
        json=[{"destination": to, "headers": {NAME: value}}],
    )


@pytest.mark.parametrize(
    ("value", "delivered"),
    [(" text\t", "text"), (1, "1"), (0.5, "0.5"), (["a", 2], "a, 2")],
)
def test_strings_numbers_and_lists_are_delivered(
    server_url: str, sink: Sink, eventually: Eventually, value: object, delivered: str
) -> None:
    send(server_url, sink.url, value).raise_for_status()

    eventually(lambda: sink.received)
    [request] = sink.received
    assert dict(request.headers)["x-sent"] == delivered


@pytest.mark.parametrize("value", [True, None, {"a": 1}, [None], [["a"]]])
def test_other_values_are_refused_by_name(server_url: str, sink: Sink, value: object) -> None:
    refused = send(server_url, sink.url, value)

    assert refused.status_code == 400
    assert refused.json()["error"] == f"item 0: the value of {NAME} is not a string"
