"""Flags of commands that ask before they change something."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag


@dataclass(frozen=True, kw_only=True)
class BulkOptions:
    """Bulk operations ask first, and need --all to reach everything."""

    all: bool = flag("Select everything")
    yes: bool = flag("Skip the confirmation", "-y", "--yes")


@dataclass(frozen=True, kw_only=True)
class ConfirmOptions:
    """Asking first."""

    yes: bool = flag("Skip the confirmation", "-y", "--yes")
