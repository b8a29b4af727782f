"""Checks whether QStash is reachable, its latency, and the difference between the clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from qstash_cli.client.diagnostics import Handshake, Measurement, handshake, resolve_addresses
from qstash_cli.client.proxies import Proxy
from qstash_cli.commands.doctor.check import (
    DoctorCheck,
    failure,
    ok,
    skipped,
    warning,
)
from qstash_cli.errors import ExitCode

_UNREACHABLE = ExitCode.UNREACHABLE
_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S
# A Date header has whole seconds, and the request takes time too.
_SKEW_NOTED_S = 5.0
# A signature is valid for 300 seconds. With half of that gone, some messages are rejected.
_SKEW_HARMFUL_S = 150.0
_SLOW_MS = 1000
_SAMPLES = 3
_SAMPLING_MS = 3000


def name_resolution(url: str, proxy: Proxy | None, *, limit_s: float) -> DoctorCheck:
    """Checks whether the host name has an address."""
    if proxy is not None:
        return skipped("dns", f"the proxy of {proxy.source} resolves names")
    host = urlsplit(url).hostname or ""
    try:
        found = resolve_addresses(url, limit_s=limit_s)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return failure(
            "dns", f"{host} has no address: {reason}",
            "check the URL's spelling and the network; behind a proxy, set HTTPS_PROXY",
            _UNREACHABLE,
        )  # fmt: skip
    return ok("dns", host if found == [host] else f"{host} is {', '.join(found)}")


def encryption(url: str, proxy: Proxy | None, *, now: float, limit_s: float) -> DoctorCheck:
    """Checks whether the server's certificate is trusted, and for how long."""
    if urlsplit(url).scheme.lower() != "https":
        return skipped("tls", "the URL is http://")
    if proxy is not None:
        return skipped("tls", f"the api check connects through the proxy of {proxy.source}")
    try:
        return _trusted(handshake(url, limit_s=limit_s), now)
    except OSError as error:
        return _not_encrypted(error)


def _trusted(handshake: Handshake, now: float) -> DoctorCheck:
    left_s = handshake.expires_at_s - now
    days = f"{left_s / _DAY_S:,.0f} days"
    detail = f"{handshake.version}, the certificate of {handshake.issuer} is good for {days}"
    if left_s < _WEEK_S:
        return warning("tls", detail, "it is the server's to renew, or the local clock is wrong")
    return ok("tls", detail)


def _not_encrypted(error: OSError) -> DoctorCheck:
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return failure(
            "tls", f"the certificate is not trusted: {error.verify_message}",
            "behind a proxy that decrypts, set SSL_CERT_FILE to its authority's file in PEM form",
            _UNREACHABLE,
        )  # fmt: skip
    reason = (error.strerror or str(error)).lower()
    return failure("tls", f"no connection: {reason}", _ways_out(is_local=False), _UNREACHABLE)


def _ways_out(*, is_local: bool) -> str:
    if is_local:
        return "start the server with `qstash dev`"
    return "check the network, the firewall and HTTPS_PROXY"


def interface(response: Measurement, url: str, *, is_local: bool) -> DoctorCheck:
    """Checks whether the server is QStash's API."""
    if response.error:
        detail = f"no response from {url}: {response.error}"
        return failure("api", detail, _ways_out(is_local=is_local), _UNREACHABLE)
    if 300 <= response.status < 400:
        fix = "give the URL that it names, if it is QStash's"
        return failure("api", f"{url} redirects to {response.location}", fix)
    if response.status >= 500:
        return failure("api", f"{url} responds with {response.status}", "try again", _UNREACHABLE)
    is_ours = isinstance(response.content, dict) and bool(
        {"logs", "error"} & response.content.keys()
    )
    if not is_ours:
        return failure(
            "api", f"{url} responds with {response.status}, unlike QStash",
            "check the URL; something else may listen there",
        )  # fmt: skip
    return ok("api", f"{url} responds")


def clock(response: Measurement) -> DoctorCheck:
    """Checks whether the local clock agrees with the server's."""
    if response.server_time_s is None:
        return skipped("clock", "the response has no Date header")
    # A Date header omits the fraction, on average half a second.
    ahead_s = response.sent_at_s - response.server_time_s - 0.5
    if abs(ahead_s) < _SKEW_NOTED_S:
        return ok("clock", "the local clock agrees with the server")
    direction = "ahead of" if ahead_s > 0 else "behind"
    detail = f"the local clock is {abs(ahead_s):,.0f}s {direction} the server"
    fix = "synchronize the clock (NTP): signatures are valid for 300s"
    if abs(ahead_s) < _SKEW_HARMFUL_S:
        return warning("clock", detail, fix)
    return failure("clock", detail, fix)


def samples(first: Measurement, again: Callable[[], Measurement]) -> Iterator[Measurement]:
    """Yields more responses, fewer if they are slow."""
    spent_ms = first.took_ms
    for _ in range(_SAMPLES):
        response = again()
        yield response
        spent_ms += response.took_ms
        if response.error or spent_ms > _SAMPLING_MS:
            return


def latency(responses: Sequence[Measurement]) -> DoctorCheck:
    """Measures the response time of an open connection."""
    import statistics

    if error := next((one.error for one in responses if one.error), ""):
        return warning("latency", f"some requests got no response: {error}", "try again")
    median_ms = statistics.median(one.took_ms for one in responses)
    detail = f"{median_ms:,.0f} ms, the median of {len(responses)}"
    if median_ms >= _SLOW_MS:
        return warning("latency", detail, "is there a region that is nearer, or a slow proxy?")
    return ok("latency", detail)
