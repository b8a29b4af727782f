"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], min_similarity: float = 0.6) -> str:
    """Returns `did you mean 'x'?` if a known name is similar, else an empty string.

    `min_similarity` is from 0 to 1.
    """
    import difflib

    found = difflib.get_close_matches(name.lower(), list(known), 1, min_similarity)
    return f"did you mean {found[0]!r}?" if found else ""
