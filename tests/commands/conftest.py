from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Writes a manifest, and returns its path."""

    def write_(text: str) -> str:
        path = tmp_path / "qstash.toml"
        path.write_text(text)
        return str(path)

    return write_
