"""Sends an endpoint a request like QStash's, and evaluates the response."""

from __future__ import annotations

from qstash_cli.cli.context import Context
from qstash_cli.cli.preview import ExternalRequest
from qstash_cli.client import external
from qstash_cli.client.external import ExternalResponse
from qstash_cli.protocol.delivery import qstash_headers
from qstash_cli.protocol.forgeries import Probe

_SLOW_MS = 30_000


def request_of(ctx: Context, url: str, one: Probe) -> ExternalRequest:
    """Returns the request of a probe."""
    own = qstash_headers(ctx.new_id("msg"), one.signature or "")
    headers = (("Content-Type", "application/json"), *own)
    return ExternalRequest("POST", url, headers, one.body)


def ask(ctx: Context, request: ExternalRequest, one: Probe, timeout_s: int) -> ExternalResponse:
    """Sends a probe and returns its response. Warns if a valid request takes long."""
    reply = external.send(
        request.method, request.url, timeout_s=timeout_s, headers=request.headers, body=request.body
    )
    if one.is_good and reply.took_ms > _SLOW_MS:
        ctx.warn(f"{one.name}: response after {reply.took_ms} ms; many platforms time out earlier")
    return reply


def is_expected(one: Probe, reply: ExternalResponse) -> bool:
    """Returns whether the response is the expected one."""
    return is_accepted(reply) if one.is_good else 400 <= reply.status < 500


def is_accepted(reply: ExternalResponse) -> bool:
    """Returns whether the endpoint accepted the request."""
    return 200 <= reply.status < 300
