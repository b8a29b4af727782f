"""What a diagnosis says."""

from __future__ import annotations

from qstash_cli.frozen import dataclass


@dataclass(frozen=True)
class Finding:
    """What explains that a check failed, and what to do about it."""

    check: str
    what: str
    fix: str
