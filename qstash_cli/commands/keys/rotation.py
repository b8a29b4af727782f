"""Checks, before the signing keys are rotated, that endpoints accept the next key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.preview import ExternalRequest
from qstash_cli.client.api import keys
from qstash_cli.client.external import ExternalResponse
from qstash_cli.commands.common.endpoint_probe import ask, is_expected, request_of
from qstash_cli.errors import QstashError
from qstash_cli.protocol.destination import is_url, missing_scheme, validate_destination
from qstash_cli.protocol.forgeries import Probe, good_probe

_BODY = b"{}"


def _endpoint(text: str) -> str:
    if not is_url(text):
        raise missing_scheme("the endpoint has", text)
    return validate_destination(text)


@dataclass(frozen=True, kw_only=True)
class RotationOptions:
    """The checks before a rotation."""

    probe: tuple[str, ...] = flag(
        "Endpoint that must accept the next key before the rotation",
        metavar="URL",
        repeats=True,
        parse=_endpoint,
    )
    force: bool = flag("Rotate even if an endpoint does not accept the next key")

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints, without duplicates."""
        return tuple(dict.fromkeys(self.probe))


class SignedProbe(NamedTuple):
    """A request signed with the next key, and the probe with its expected response."""

    probe: Probe
    request: ExternalRequest


def signed_probes(ctx: Context, options: RotationOptions) -> list[SignedProbe]:
    """Creates a request for each endpoint, signed with the next key, which is read from QStash."""
    key = _next_key(ctx)
    probes = {
        url: good_probe(
            "next key", key, url=url, body=_BODY, now=ctx.system.now(), token_id=ctx.new_id("jwt")
        )
        for url in options.endpoints
    }
    return [SignedProbe(one, request_of(ctx, url, one)) for url, one in probes.items()]


def probe_endpoints(ctx: Context, options: RotationOptions, signed: Iterable[SignedProbe]) -> None:
    """Sends the request to every endpoint, and reports the responses.

    Raises `QstashError` if an endpoint does not accept its request, unless forced.
    """
    refused = {}
    for one in signed:
        refusal = _refusal(ctx, one)
        if refusal is not None:
            refused[one.request.url] = refusal
    if not refused:
        return
    reasons = "; ".join(f"{url} {refusal}" for url, refusal in refused.items())
    if options.force:
        ctx.warn("rotating anyway because of --force")
        return
    raise QstashError(
        f"nothing was rotated, because the next key is not accepted everywhere: {reasons}",
        hint="deploy the pair that `qstash keys get` prints there and try again, or add --force",
    )


def _next_key(ctx: Context) -> str:
    return keys.validated(ctx.read(keys.get()))["next"]


def _refusal(ctx: Context, one: SignedProbe) -> str | None:
    """Reports and returns why an endpoint does not accept the request, or None if it does."""
    url = one.request.url
    with ctx.status() as line:
        line.update(f"{url} …")
        reply = ask(ctx, one.request, one.probe, ctx.options.connection.request_timeout)
    if is_expected(one.probe, reply):
        ctx.note(f"{url} accepts the next key: {reply.status} after {reply.took_ms} ms")
        return None
    ctx.warn(f"{url} does not accept the next key: {_outcome(reply)}")
    return _outcome(reply)


def _outcome(reply: ExternalResponse) -> str:
    return f"responded with {reply.status}" if reply.status else f"did not respond: {reply.error}"
