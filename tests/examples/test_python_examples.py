"""The Python examples refuse every request that QStash has not signed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from tests import plain_http
from tests.examples.endpoints import (
    DJANGO,
    FASTAPI,
    FLASK,
    LAMBDA_PYTHON,
    Example,
    running,
    variables,
)
from tests.examples.verdicts import assert_accepts_everything, assert_verifies
from tests.in_process import Qstash

SERVERS = (FLASK, FASTAPI, DJANGO)
Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@pytest.mark.parametrize("example", SERVERS, ids=lambda example: example.folder)
def test_the_endpoint_verifies_signatures(example: Example, qstash: Qstash, tmp_path: Path) -> None:
    with running(example.command, example.copy_to(tmp_path / "endpoint")) as url:
        assert_verifies(qstash, f"{url}/hook")
        # It is no text, so it cannot have been signed.
        assert plain_http.post(f"{url}/hook", content=b"\xff").status_code == 401


@pytest.mark.parametrize("example", SERVERS, ids=lambda example: example.folder)
def test_probe_reports_the_endpoint_without_its_verification(
    example: Example, qstash: Qstash, tmp_path: Path
) -> None:
    directory = example.copy_to(tmp_path / "endpoint")
    (directory / example.file).write_text(example.unverified)
    with running(example.command, directory) as url:
        assert_accepts_everything(qstash, f"{url}/hook")


@pytest.mark.parametrize("is_encoded", [False, True])
def test_the_lambda_function_verifies_signatures(
    qstash: Qstash, monkeypatch: pytest.MonkeyPatch, is_encoded: bool
) -> None:
    handlers: list[Handler] = []
    with running_endpoint(lambda request: invoke(handlers[0], request, is_encoded)) as endpoint:
        handlers.append(handler(LAMBDA_PYTHON.source, endpoint.url, monkeypatch))
        assert_verifies(qstash, f"{endpoint.url}/hook")


def test_probe_reports_the_lambda_function_without_its_verification(
    qstash: Qstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers: list[Handler] = []
    with running_endpoint(lambda request: invoke(handlers[0], request, False)) as endpoint:
        handlers.append(handler(LAMBDA_PYTHON.unverified, endpoint.url, monkeypatch))
        assert_accepts_everything(qstash, f"{endpoint.url}/hook")


def handler(source: str, url: str, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """Returns the handler that this source defines, deployed at the URL."""
    for name, value in variables(url).items():
        monkeypatch.setenv(name, value)
    module: dict[str, Any] = {}
    exec(source, module)  # noqa: S102 - an example of ours
    defined: Handler = module["hook"]
    return defined


def invoke(handler: Handler, request: Received, is_encoded: bool) -> tuple[int, bytes]:
    """Invokes a handler as a function URL does. Source: AWS docs, "Payload format version 2.0"."""
    body = base64.b64encode(request.body) if is_encoded else request.body
    event = {
        "version": "2.0",
        "rawPath": request.path,
        "headers": dict(request.headers),
        "body": body.decode(),
        "isBase64Encoded": is_encoded,
    }
    response = handler(event, None)
    return response["statusCode"], response["body"].encode()
