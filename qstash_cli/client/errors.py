"""Errors for requests that failed: their type, their message, and what to do next."""

from __future__ import annotations

import re
from math import ceil, isfinite

from qstash_cli.client.proxies import Proxy
from qstash_cli.client.rate_limit import names_rate_limit
from qstash_cli.client.request import Request
from qstash_cli.client.response import (
    ConnectError,
    ProxyError,
    Response,
    TransportError,
    TransportTimeout,
)
from qstash_cli.errors import (
    BadCredentials,
    NotFound,
    QstashError,
    RateLimited,
    StillRunning,
    Unreachable,
)
from qstash_cli.protocol.shapes import Mismatch
from qstash_cli.protocol.tls_mismatch import http_url_for

# The hint for a write without a response.
_MAY_BE_PROCESSED = "the request may have been processed; check before you send it again"

_PROXY_AUTHENTICATION_REQUIRED = 407
_EXCERPT_CHARACTERS = 300
# A body that is not QStash's own has little information about QStash.
_FOREIGN_EXCERPT_CHARACTERS = 120

_CREDENTIALS = (
    BadCredentials,
    "QStash does not accept the credentials: {reason}",
    "`qstash doctor` reports the token's source; each region has its own",
)
_UNAVAILABLE = (Unreachable, "QStash is not available: {reason}", "try again later")
_BY_STATUS: dict[int, tuple[type[QstashError], str, str]] = {
    401: _CREDENTIALS,
    403: _CREDENTIALS,
    404: (NotFound, "{reason}", ""),
    412: (RateLimited, "{reason}", "the plan allows no more; change the plan or the request"),
    429: (
        RateLimited,
        "too many requests: {reason}",
        "wait for the limit to reset, or give --max-wait a longer time",
    ),
    502: _UNAVAILABLE,
    503: _UNAVAILABLE,
    504: _UNAVAILABLE,
}
_REFUSED = (QstashError, "QStash refused {method} {path}: {reason}", "")
_REDIRECTED = (
    QstashError,
    "QStash's address redirects to another: {location}",
    "the token is not sent there; check --api-url",
)
_HINTS = (
    (r"invalid scheme", "give the destination with http:// or https://"),
    (r"loopback|private address", "run `qstash dev` and add --dev to deliver on this machine"),
    (r"topic .*not found", "`qstash urlgroup list` lists the URL groups"),
    (r"queue .*not found", "`qstash queue list` lists the queues"),
    (r"schedule .*not found", "`qstash schedule list` lists the schedules"),
    (r"flow control key .*not found", "`qstash flow list` lists the flow control keys"),
    (r"dlq message .*not found", "`qstash dlq list` lists the entries"),
    (r"message .*not found", "`qstash logs --message ID` shows messages that have ended"),
    (r"message .* is not waiting", "`qstash logs --message ID` shows its state"),
    (r"DeduplicationId", "use '-' or '_' between the parts of a deduplication id"),
)
_HTML = re.compile(r"\s*<(!doctype|html|head|body|\?xml|!--|title|h1|p\b)", re.IGNORECASE)


def error_response(
    response: Response,
    request: Request[object],
    *,
    attempts: int = 1,
    refused_wait_s: float | None = None,
) -> QstashError:
    """Returns the error for a response with an error status, the last one of `attempts`.

    `refused_wait_s` is the wait that the server requested, if it was longer than allowed.
    """
    status = response.status_code
    if is_still_running(response, request):
        return StillRunning(
            f"QStash continues in the background: {_reason_of(response)}",
            hint="`qstash message actions` shows the progress",
            status=status,
        )
    kind, message, hint = _BY_STATUS.get(status, _REDIRECTED if status < 400 else _REFUSED)
    reason = _reason_of(response)
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    text = message.format(
        reason=reason,
        method=request.method,
        path=excerpt(request.path),
        location=excerpt(response.headers.get("location", "nowhere")),
    )
    if kind is Unreachable and not request.is_repeatable:
        hint = _MAY_BE_PROCESSED
    elif kind is Unreachable and refused_wait_s is not None:
        hint = f"the server asks to wait {_seconds(refused_wait_s)}; --max-wait allows longer waits"
    return kind(
        f"{text}{tried}",
        hint=hint or next((hint for pattern, hint in _HINTS if re.search(pattern, reason)), ""),
        status=status,
    )


def unreachable(
    error: TransportError,
    request: Request[object],
    *,
    reason: str,
    api_url: str,
    is_local: bool,
    proxy: Proxy | None,
    attempts: int,
    timeout_s: float,
) -> Unreachable:
    """Returns the error for a request that got no response in its last attempt.

    `reason` must not contain secrets.
    """
    tried = f" ({attempts} attempts)" if attempts > 1 else ""
    if isinstance(error, ConnectError):
        return _not_connected(error, f"{reason}{tried}", api_url, is_local=is_local, proxy=proxy)
    doubt = "" if request.is_repeatable else _MAY_BE_PROCESSED
    if isinstance(error, TransportTimeout):
        return Unreachable(
            f"no response within {timeout_s:g}s from {api_url}{tried}",
            hint=doubt or "give --request-timeout a longer time",
        )
    return Unreachable(
        f"the connection to {api_url} failed: {reason}{tried}",
        hint=doubt or "check the network, and try again",
    )


def _not_connected(
    error: ConnectError, reason: str, api_url: str, *, is_local: bool, proxy: Proxy | None
) -> Unreachable:
    if proxy is not None:
        message = f"cannot connect to {api_url} through the proxy {proxy.address}: {reason}"
        if isinstance(error, ProxyError) and error.status_code == _PROXY_AUTHENTICATION_REQUIRED:
            fix = f"{proxy.source}=http://USER:PASSWORD@HOST:PORT"
            return Unreachable(message, hint=f"check the proxy's user and password: {fix}")
        return Unreachable(
            message, hint=f"check {proxy.source}, or add the host to NO_PROXY to connect directly"
        )
    if http_url := http_url_for(api_url, reason):
        flag = "" if is_local else " and --insecure, which sends the token unencrypted"
        return Unreachable(
            f"cannot connect to {api_url}: the server speaks http, not https",
            hint=f"use {http_url}{flag}",
        )
    if is_local:
        return Unreachable(
            f"no server is listening at {api_url}: {reason}",
            hint="start the server with `qstash dev`; "
            "if it runs on another port, set QSTASH_DEV_PORT and add --dev",
        )
    return Unreachable(
        f"cannot connect to {api_url}: {reason}",
        hint="check the network and HTTPS_PROXY, or try `qstash demo`, which needs neither",
    )


def is_still_running(response: Response, request: Request[object]) -> bool:
    """Whether QStash continues an operation in the background because it takes too long.

    Source: QStash docs, "Cancel messages in bulk".
    """
    is_late = request.runs_in_background and response.status_code == 429
    return is_late and not names_rate_limit(response.headers)


def unexpected_body(response: Response, request: Request[object], api_url: str) -> QstashError:
    """Returns the error for a success whose body is not JSON."""
    path = request.path.partition("?")[0]
    return QstashError(
        f"expected JSON from {request.method} {excerpt(path)}: {_described(response)}",
        hint=f"is {api_url} QStash's API?",
        status=response.status_code,
    )


def unexpected_shape(found: Mismatch, request: Request[object], api_url: str) -> QstashError:
    """Returns the error for JSON that differs from the API's documentation."""
    endpoint = f"{request.method} {excerpt(request.path.partition('?')[0])}"
    done = "the server accepted the request: check before you send it again"
    return QstashError(
        f"unexpected response from {endpoint}: {found.path or 'the body'} {found.problem}",
        hint=f"is {api_url} QStash's API?" + ("" if request.method == "GET" else f" {done}"),
    )


def endless_list(problem: str, request: Request[object], api_url: str) -> QstashError:
    """Returns the error for a list whose pages never end."""
    return QstashError(
        f"the list from {request.method} {excerpt(request.path)} does not end: {problem}",
        hint=f"is {api_url} QStash's API? a filter or --limit reduces the list",
    )


def excerpt(text: str, limit: int = _EXCERPT_CHARACTERS) -> str:
    """Returns the text on one line, without control characters and cut to `limit` characters."""
    text = " ".join(text[: 4 * limit].split())
    text = "".join(one if one.isprintable() else _escaped(one) for one in text)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _reason_of(response: Response) -> str:
    """Returns the error message of QStash, or a description of the body, with the status."""
    try:
        content = response.json()
    except (ValueError, RecursionError):
        return _described(response)
    words = content.get("error") if isinstance(content, dict) else None
    status = excerpt(response.status)
    if isinstance(words, str) and words.strip():
        return f"{excerpt(words)} ({status})"
    return f"the server returned JSON without an error text ({status})"


def _described(response: Response) -> str:
    """Describes a body that is not JSON. Quotes only the beginning of plain text."""
    status = excerpt(response.status)
    if not response.content.strip():
        return f"the server returned an empty body ({status})"
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "html" in media_type or "xml" in media_type or _HTML.match(response.text[:1000]):
        return f"the server returned an HTML page ({status})"
    if media_type in {"", "text/plain", "application/json"} and _is_text(response.content):
        quoted = excerpt(response.text, _FOREIGN_EXCERPT_CHARACTERS)
        return f'the server returned "{quoted}" ({status})'
    kind = excerpt(media_type, 60) or "application/octet-stream"
    return f"the server returned {len(response.content):,} bytes of {kind} ({status})"


def _is_text(content: bytes) -> bool:
    try:
        content[: 4 * _FOREIGN_EXCERPT_CHARACTERS].decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        # The body may be cut in the middle of a character.
        return error.reason == "unexpected end of data"
    return True


def _seconds(wait_s: float) -> str:
    return f"{ceil(wait_s):,}s" if isfinite(wait_s) and wait_s < 1e9 else "for years"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
