"""What QStash's refusals mean to the user: which error, in which words, and what to do next."""

from __future__ import annotations

import re
from typing import Any

from qstash_cli.client.request import Request
from qstash_cli.client.wire import Answer
from qstash_cli.errors import BadCredentials, NotFound, QstashError, RateLimited, Unreachable

_MOST_CHARACTERS = 300

_CREDENTIALS = (
    BadCredentials,
    "QStash does not accept the credentials: {words}",
    "`qstash config list` shows the profiles; tokens differ between the regions",
)
_UNAVAILABLE = (Unreachable, "QStash is not available: {words}", "try again")
_BY_STATUS: dict[int, tuple[type[QstashError], str, str]] = {
    401: _CREDENTIALS,
    403: _CREDENTIALS,
    404: (NotFound, "{words}", ""),
    412: (RateLimited, "{words}", "the plan allows no more; change the plan or the request"),
    429: (
        RateLimited,
        "too many requests: {words}",
        "wait for the limit to reset, or give --max-wait a longer time",
    ),
    502: _UNAVAILABLE,
    503: _UNAVAILABLE,
    504: _UNAVAILABLE,
}
_REFUSED = (QstashError, "QStash refused {method} {path}: {words}", "")
_REDIRECTED = (
    QstashError,
    "QStash's address redirects to another: {location}",
    "the token is not sent there; check --api-url",
)
_HINTS = (
    (r"invalid scheme", "give the destination with http:// or https://"),
    (r"loopback|private address", "run `qstash dev` and add --dev to deliver on this machine"),
    (r"topic .* not found", "`qstash api GET /v2/topics` lists the URL groups"),
    (r"message .* not found", "a message is gone soon after its end; `qstash logs` remembers it"),
    (r"message .* is not waiting", "`qstash logs --message ID` shows its state"),
    (r"DeduplicationId", "use '-' or '_' between the parts of a deduplication id"),
)


def refusal(response: Answer, request: Request[Any]) -> QstashError:
    """The error that stands for an answer which is not a success."""
    status = response.status_code
    words = _words_of(response)
    kind, message, hint = _BY_STATUS.get(status, _REDIRECTED if status < 400 else _REFUSED)
    return kind(
        message.format(
            words=words,
            method=request.method,
            path=excerpt(request.path),
            location=excerpt(response.headers.get("location", "nowhere")),
        ),
        hint=hint or next((hint for pattern, hint in _HINTS if re.search(pattern, words)), ""),
        status=status,
    )


def _words_of(response: Answer) -> str:
    try:
        words = response.json()["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        words = response.text
    return excerpt(str(words)) or f"{response.status_code} {response.reason_phrase}".strip()


def excerpt(text: str) -> str:
    """A text on one line, cut where it is too long for an error."""
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
