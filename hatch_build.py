"""Puts the man page into the wheel."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPage(BuildHookInterface):
    """Makes `qstash.1` of the sources that are being built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Writes the page, and names the place where it is installed."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from man_page import man_page

        # Not in `dist`, whose files are uploaded.
        self._pages = TemporaryDirectory()
        page = Path(self._pages.name) / "qstash.1"
        page.write_text(man_page(), encoding="utf-8")
        build_data["shared_data"][str(page)] = "share/man/man1/qstash.1"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Deletes the page, which is in the wheel now."""
        if version != "editable":
            self._pages.cleanup()
