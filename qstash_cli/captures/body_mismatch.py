"""What changed a signed body into the captured one.

Each known change is undone, and named only if the hash of the result is the signed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from qstash_cli.captures.body_changes import CHANGES, Candidate
from qstash_cli.captures.diagnosis import Diagnosis
from qstash_cli.captures.search_budget import SearchBudget, SearchStopped

_RAW = "pass the raw bytes of the request to the verification, before anything parses them"
_EMPTY = (
    "verify the raw bytes before any body parser: express.raw({type: '*/*'}) in Express, "
    "await request.text() in Next.js and Hono (bodyParser: false in pages/api), "
    "await request.body() in FastAPI, request.get_data() in Flask, request.body in Django"
)
# Two changes in a row are searched in small bodies only.
_MAX_BYTES_FOR_PAIRS = 8_192
_MAX_BYTES_BETWEEN = 65_536
_ROUND_SIZES = frozenset(
    n * unit for unit in (1000, 1024, 1_000_000, 1_048_576) for n in (1, 4, 8, 10, 16, 64, 100, 256)
)


def find(body: bytes, signed_hash: bytes, budget: SearchBudget) -> Diagnosis | None:
    """What explains that the hash of `body` is not the signed one, None if nothing known does."""
    if not body:
        return Diagnosis("body", "the body is empty: a body parser may have consumed it", _EMPTY)
    if sha256(b"").digest() == signed_hash:
        return Diagnosis("body", "the signed body is empty", "is this body of another request?")
    try:
        what = _change(body, signed_hash, budget)
    except SearchStopped as limit:
        return Diagnosis(
            "body",
            f"the search for what changed the body stopped {limit}",
            f"the signature is not of these bytes; {_RAW}",
        )
    return Diagnosis("body", what, _RAW) if what else _too_large(body) or _truncated(body)


def _change(body: bytes, signed_hash: bytes, budget: SearchBudget) -> str | None:
    for what, candidate in _undone(body, budget):
        if sha256(candidate).digest() == signed_hash:
            return what
    if len(body) > _MAX_BYTES_FOR_PAIRS:
        return None
    for last, between in _undone(body, budget):
        if len(between) > _MAX_BYTES_BETWEEN:
            continue
        for first, candidate in _undone(between, budget):
            if sha256(candidate).digest() == signed_hash:
                return f"{first}, then {last}"
    return None


def _undone(body: bytes, budget: SearchBudget) -> Iterator[Candidate]:
    for max_bytes, undo in CHANGES:
        if len(body) > max_bytes:
            continue
        for candidate in undo(body, budget):
            budget.raise_if_spent()
            if candidate[1] != body:
                yield candidate


def _too_large(body: bytes) -> Diagnosis | None:
    skipped = [max_bytes for max_bytes, _ in CHANGES if len(body) > max_bytes]
    if not skipped:
        return None
    return Diagnosis(
        "body",
        f"the body has {len(body)} bytes: changes of JSON and forms are searched only up to "
        f"{min(skipped)} bytes",
        f"the signature is not of these bytes; {_RAW}",
    )


def _truncated(body: bytes) -> Diagnosis | None:
    if len(body) not in _ROUND_SIZES:
        return None
    return Diagnosis(
        "body",
        f"the body has exactly {len(body)} bytes: it may have been truncated (not proven)",
        "check the size limits of the server, the framework and the log",
    )
