"""Single measurements of the network and of QStash, for `qstash doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from qstash_cli.client.deadline import within
from qstash_cli.client.request import Request
from qstash_cli.client.response import Response, TransportError, TransportTimeout
from qstash_cli.errors import QstashError

if TYPE_CHECKING:
    from qstash_cli.client.client import Client


class Measurement(NamedTuple):
    """A response to one request, or an `error` if there is no response.

    `sent_at_s` is the local time half-way between request and response, `server_time_s` is the time
    in the Date header; both are in unix seconds.
    """

    status: int = 0
    took_ms: int = 0
    sent_at_s: float = 0
    server_time_s: float | None = None
    content: Any = None
    location: str = ""
    error: str = ""


class Handshake(NamedTuple):
    """The TLS version and the certificate of a server. `expires_at_s` is in unix seconds."""

    version: str
    issuer: str
    expires_at_s: float


def measure(
    client: Client, request: Request[object], *, now: Callable[[], float], limit_s: float
) -> Measurement:
    """Sends one request, without retries."""
    started_at = now()
    try:
        response = client.send_once(request, limit_s=limit_s)
    except TransportTimeout:
        return Measurement(error=f"no response within {limit_s:g}s")
    except QstashError as error:
        return Measurement(error=error.message)
    except TransportError as error:
        return Measurement(error=client.masked(str(error)))
    return Measurement(
        status=response.status_code,
        took_ms=round(response.took_s * 1000),
        sent_at_s=(started_at + now()) / 2,
        server_time_s=_date_of(response),
        content=_json_of(client.masked(response.text)),
        location=client.masked(response.headers.get("location", "")),
    )


def resolve_addresses(url: str, *, limit_s: float) -> list[str]:
    """Returns the addresses of the URL's host. Raises `OSError` if the name cannot be resolved."""
    import socket

    host, port = _host_and_port(url)
    found = within(limit_s, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def handshake(url: str, *, limit_s: float) -> Handshake:
    """Opens a TLS connection to the URL's host as requests do, and sends nothing over it.

    Raises `OSError`, and `ssl.SSLCertVerificationError` for an untrusted certificate.
    """
    import socket
    import ssl

    from qstash_cli.client.transport import create_tls_context

    host, port = _host_and_port(url)

    def connect() -> Handshake:
        context = create_tls_context()
        with (
            socket.create_connection((host, port), timeout=limit_s) as connection,
            context.wrap_socket(connection, server_hostname=host) as encrypted,
        ):
            certificate = encrypted.getpeercert() or {}
            return Handshake(
                version=encrypted.version() or "TLS",
                issuer=_issuer(certificate),
                expires_at_s=ssl.cert_time_to_seconds(str(certificate["notAfter"])),
            )

    return within(limit_s, connect)


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme.lower() == "https" else 80)


def _issuer(certificate: Any) -> str:
    names = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    return str(names.get("organizationName") or names.get("commonName") or "an unnamed authority")


def _date_of(response: Response) -> float | None:
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
