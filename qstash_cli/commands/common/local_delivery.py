"""Delivers messages from this machine to a handler, signed now."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, NotRequired, TypedDict

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.preview import ExternalRequest
from qstash_cli.client import external
from qstash_cli.client.external import ExternalResponse
from qstash_cli.errors import BadCredentials, BadInput
from qstash_cli.protocol.delivery import Delivery
from qstash_cli.protocol.destination import (
    is_loopback,
    is_url,
    missing_scheme,
    validate_destination,
)
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.headers import Headers

_DELIVERY = "Delivery"
# The region of the embedded server. Its messages are assumed if the region is unknown.
_HOME_REGION = "eu-central-1"


@dataclass(frozen=True, kw_only=True)
class HandlerOptions:
    """Options for the safety of a handler."""

    timeout: int = flag(
        "Response timeout [default: 60s]",
        metavar="DURATION",
        parse=parse_duration_s,
        default=60,
        section=_DELIVERY,
    )
    yes: bool = flag("Allow delivery to another machine", "-y", "--yes", section=_DELIVERY)
    allow_protected: bool = flag("Allow it for a protected profile", section=_DELIVERY)


class Signed(NamedTuple):
    """A delivery with all headers, including the signature."""

    delivery: Delivery
    headers: Headers


def handler_url(url: str, flag_name: str) -> str:
    """Validates and returns the URL of a handler. Raises `BadInput` naming the flag."""
    if not is_url(url):
        raise missing_scheme(f"{flag_name}:", url)
    return validate_destination(url)


def confirm_delivery(ctx: Context, url: str, handler: HandlerOptions) -> None:
    """Checks that messages of this account may be delivered to `url`.

    Raises `BadInput` for a protected profile and another machine, and `Interrupted` if the user
    declines.
    """
    settings = ctx.config.settings
    if settings.protected and not handler.allow_protected:
        raise BadInput(
            f"{settings.source} is protected: its messages are not delivered from here",
            hint="add --allow-protected to deliver them anyway; nothing was sent",
        )
    if not is_loopback(url):
        ctx.confirm(
            f"Deliver real messages to {url}, which will act on them?",
            yes=handler.yes,
            make_question=lambda: (
                f"Deliver real messages of {ctx.account} to {url}, which will act on them?"
            ),
        )


def signer(ctx: Context) -> Callable[[Delivery], Signed]:
    """Returns a function that signs deliveries like QStash, now, with the current signing key.

    Raises `BadCredentials` if no key is configured.
    """
    from qstash_cli.config.urls import REGION_URLS, region_of
    from qstash_cli.protocol.signature import sign

    key = ctx.config.signing_keys.current
    if not key:
        raise BadCredentials(
            "no signing key to sign with",
            hint="set QSTASH_CURRENT_SIGNING_KEY, or store it with `qstash config set NAME "
            "--keys-stdin`; `qstash keys get` prints it",
        )
    region = (region_of(ctx.config.settings.api_url, REGION_URLS) or _HOME_REGION).upper()

    def signed(delivery: Delivery) -> Signed:
        token = sign(
            key,
            url=delivery.url,
            body=delivery.body,
            now=ctx.system.now(),
            token_id=ctx.new_id("jwt"),
        )
        return Signed(delivery=delivery, headers=delivery.signed_headers(token, region))

    return signed


def request_of(signed: Signed, url: str) -> ExternalRequest:
    """Returns the request of a delivery to the handler at `url`."""
    return ExternalRequest(signed.delivery.method, url, signed.headers, signed.delivery.body)


def deliver(signed: Signed, url: str, timeout_s: int) -> ExternalResponse:
    """Delivers to the handler at `url` and returns its response."""
    request = request_of(signed, url)
    return external.send(
        request.method, url, timeout_s=timeout_s, headers=request.headers, body=request.body
    )


def is_accepted(reply: ExternalResponse) -> bool:
    """Whether the handler accepted the delivery. Source: QStash docs, "Retry"."""
    return 200 <= reply.status < 300


class HandlerResponse(TypedDict):
    """The response of a handler as JSON. Without a response, `status` and `ms` are None."""

    status: int | None
    ms: int | None
    error: str | None
    body: NotRequired[str]
    bodyBase64: NotRequired[str]


def reply_record(reply: ExternalResponse) -> HandlerResponse:
    """Returns the response as JSON; a body that is not UTF-8 is in `bodyBase64`."""
    record: HandlerResponse = {
        "status": reply.status or None,
        "ms": reply.took_ms if reply.status else None,
        "error": reply.error or None,
    }
    try:
        record["body"] = reply.body.decode()
    except UnicodeDecodeError:
        record["bodyBase64"] = base64.b64encode(reply.body).decode()
    return record
