"""Requests to other servers than QStash, which never see its token."""

from __future__ import annotations

from qstash_cli.frozen import dataclass
from qstash_cli.protocol.headers import Headers


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back, and how long it took.

    `status` is 0 and `error` says why if there was no answer.
    """

    status: int = 0
    body: bytes = b""
    error: str = ""
    took_ms: int = 0


def ask(
    method: str, url: str, *, timeout_s: float, headers: Headers = (), body: bytes = b""
) -> Reply:
    """What a URL answers. Redirects are not followed, as QStash follows none."""
    import httpx

    try:
        response = httpx.request(
            method,
            url,
            headers=list(headers),
            content=body,
            timeout=timeout_s,
            follow_redirects=False,
        )
    except httpx.TimeoutException:
        return Reply(error=f"no answer within {timeout_s:g}s")
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        return Reply(error=str(fault) or type(fault).__name__)
    return Reply(
        status=response.status_code,
        body=response.content,
        took_ms=round(response.elapsed.total_seconds() * 1000),
    )
