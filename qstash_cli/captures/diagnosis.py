"""The cause of a failed check."""

from __future__ import annotations

from typing import NamedTuple


class Diagnosis(NamedTuple):
    """The cause of a failed check, and what to do about it."""

    check: str
    what: str
    fix: str
