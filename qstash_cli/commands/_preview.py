"""A request shown instead of sent: as it goes on the wire, as curl, or as a record of a batch."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from qstash_cli.client.request import Request
from qstash_cli.client.transport import target
from qstash_cli.commands._views import RAW
from qstash_cli.errors import BadInput
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result
from qstash_cli.protocol.headers import Headers

Parts = tuple[str, str, Headers, bytes]

_PUBLISH = "/v2/publish/"
_ENQUEUE = "/v2/enqueue/"


def show(inv: Invocation, request: Request[Any]) -> Result:
    """What `--dry-run` or `--curl` print of a request to QStash."""
    from qstash_cli.output.curl import curl_command, request_record, request_text

    parts = (request.method, f"{inv.api_url}{target(request)}", request.headers, request.body)
    text = curl_command(*parts) if inv.connection.curl else request_text(*parts)
    record = request_record(*parts)
    if inv.output.format == "jsonl" and request.path.startswith((_PUBLISH, _ENQUEUE)):
        record = batch_record(request)
    return Result(data=record, view=RAW, on_terminal="json", piped="json", text=text)


def show_outside(inv: Invocation, requests: Sequence[Parts]) -> Result:
    """What `--dry-run` or `--curl` print of requests to others than QStash, without its token.

    Each is a method, a URL, headers and a body.
    """
    from qstash_cli.output.curl import curl_command, request_record, request_text

    as_text = curl_command if inv.connection.curl else request_text
    texts = [as_text(*parts, authorised=False) for parts in requests]
    records = [request_record(*parts, authorised=False) for parts in requests]
    return Result(data=records, view=RAW, on_terminal="json", piped="json", text="\n".join(texts))


def batch_record(request: Request[Any]) -> dict[str, Any]:
    """A publish as one item of a batch. Source: QStash docs, "Batch".

    Raises `BadInput` for a body that is not text, which no batch can hold.
    """
    destination, queue = request.path.removeprefix(_PUBLISH), None
    if request.path.startswith(_ENQUEUE):
        queue, _, destination = request.path.removeprefix(_ENQUEUE).partition("/")
    record: dict[str, Any] = {"destination": destination, "headers": dict(request.headers)}
    if request.body:
        try:
            record["body"] = request.body.decode()
        except UnicodeDecodeError:
            encoded = base64.b64encode(request.body[:6]).decode()
            raise BadInput(
                f"a batch holds text only, and the body is not UTF-8 (it begins {encoded}…)",
                hint="publish it on its own",
            ) from None
    if queue:
        record["queue"] = queue
    return record
