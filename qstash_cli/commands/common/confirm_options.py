"""Options of commands that ask before they change something."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag


@dataclass(frozen=True, kw_only=True)
class BulkOptions:
    """Options of bulk operations, which ask first and need --all to select everything."""

    all: bool = flag("Select everything")
    yes: bool = flag("Skip the confirmation", "-y", "--yes")


@dataclass(frozen=True, kw_only=True)
class ConfirmOptions:
    """The option that skips the confirmation."""

    yes: bool = flag("Skip the confirmation", "-y", "--yes")
