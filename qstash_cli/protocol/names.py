"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for a name close to one of those known, else nothing."""
    import difflib

    found = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
