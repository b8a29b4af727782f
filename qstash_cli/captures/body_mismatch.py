"""Finds the change that turned the signed body into the captured one.

Undoes each known change, and reports one only if the result has the signed hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from qstash_cli.captures.body_changes import CHANGES, Candidate
from qstash_cli.captures.diagnosis import Diagnosis
from qstash_cli.captures.search_budget import SearchBudget, SearchStopped

_RAW = "verify the raw bytes of the request body, before anything parses them"
_EMPTY = (
    "verify the raw bytes before any body parser: express.raw({type: '*/*'}) in Express, "
    "await request.text() in Next.js and Hono (bodyParser: false in pages/api), "
    "await request.body() in FastAPI, request.get_data() in Flask, request.body in Django"
)
# Combinations of two changes are tried on small bodies only.
_MAX_BYTES_FOR_PAIRS = 8_192
_MAX_BYTES_BETWEEN = 65_536
_ROUND_SIZES = frozenset(
    n * unit for unit in (1000, 1024, 1_000_000, 1_048_576) for n in (1, 4, 8, 10, 16, 64, 100, 256)
)


def find(body: bytes, signed_hash: bytes, budget: SearchBudget) -> Diagnosis | None:
    """Returns why the hash of `body` is not the signed one, None if no known change explains it."""
    if not body:
        return Diagnosis("body", "the body is empty: a body parser may have consumed it", _EMPTY)
    if sha256(b"").digest() == signed_hash:
        return Diagnosis("body", "the signed body is empty", "is this the body of another request?")
    try:
        what = _change(body, signed_hash, budget)
    except SearchStopped as limit:
        return Diagnosis(
            "body",
            f"stopped searching for what changed the body {limit}",
            f"the signature does not match these bytes; {_RAW}",
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
        f"the body has {len(body)} bytes: changes to JSON and forms are only searched up to "
        f"{min(skipped)} bytes",
        f"the signature does not match these bytes; {_RAW}",
    )


def _truncated(body: bytes) -> Diagnosis | None:
    if len(body) not in _ROUND_SIZES:
        return None
    return Diagnosis(
        "body",
        f"the body has exactly {len(body)} bytes: it may have been truncated (not proven)",
        "check the size limits of the server, framework and log",
    )
