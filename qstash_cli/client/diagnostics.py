"""What the network and QStash say when they are asked one thing at a time, for `qstash doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qstash_cli.client import response
from qstash_cli.client.deadline import within
from qstash_cli.client.request import Request
from qstash_cli.client.response import Fault, TimedOut
from qstash_cli.errors import QstashError

if TYPE_CHECKING:
    from qstash_cli.client.client import Client


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer, or the `fault` that is in its place.

    `asked_at_s` is the local time half-way between the request and its answer, `server_time_s`
    what the server's Date header says; both in unix seconds.
    """

    status: int = 0
    took_ms: int = 0
    asked_at_s: float = 0
    server_time_s: float | None = None
    content: Any = None
    location: str = ""
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """What the server showed of itself. `expires_at_s` is a unix time."""

    version: str
    issuer: str
    expires_at_s: float


def ask(
    client: Client, request: Request[Any], *, now: Callable[[], float], limit_s: float
) -> Answer:
    """The answer to one request, which is sent once."""
    began_at = now()
    try:
        response = client.once(request, limit_s=limit_s)
    except TimedOut:
        return Answer(fault=f"no answer within {limit_s:g}s")
    except QstashError as error:
        return Answer(fault=error.message)
    except Fault as fault:
        return Answer(fault=client.masked(str(fault)))
    return Answer(
        status=response.status_code,
        took_ms=round(response.took_s * 1000),
        asked_at_s=(began_at + now()) / 2,
        server_time_s=_time_of(response),
        content=_json_of(client.masked(response.text)),
        location=client.masked(response.headers.get("location", "")),
    )


def addresses(url: str, *, limit_s: float) -> list[str]:
    """The addresses of the URL's host. Raises `OSError` saying why there is none."""
    import socket

    host, port = _place(url)
    found = within(limit_s, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def handshake(url: str, *, limit_s: float) -> Handshake:
    """A TLS connection to the URL's host, made as requests make it, and nothing sent over it.

    Raises `OSError` saying why there is none, among them `ssl.SSLCertVerificationError`.
    """
    import socket
    import ssl

    from qstash_cli.client.transport import certificates

    host, port = _place(url)

    def connect() -> Handshake:
        context = certificates()
        with (
            socket.create_connection((host, port), timeout=limit_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            certificate = secured.getpeercert() or {}
            return Handshake(
                version=secured.version() or "TLS",
                issuer=_issuer(certificate),
                expires_at_s=ssl.cert_time_to_seconds(str(certificate["notAfter"])),
            )

    return within(limit_s, connect)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme.lower() == "https" else 80)


def _issuer(certificate: Any) -> str:
    names = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    return str(names.get("organizationName") or names.get("commonName") or "an unnamed authority")


def _time_of(response: response.Answer) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
