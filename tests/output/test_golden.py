"""Tables and TSV, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qstash_cli.output.result import Result
from qstash_cli.output.terminal import TerminalInfo

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = ["logs", "dlq", "message", "verify"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [80, 40])
def test_a_table_is_as_agreed(
    name: str,
    width: int,
    samples: dict[str, Result],
    terminal: TerminalInfo,
    rendered: Callable[..., str],
) -> None:
    written = rendered(samples[name], terminal._replace(width=width), format="table")

    assert written == (GOLDEN / f"{name}-{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_tsv_is_as_agreed(
    name: str, samples: dict[str, Result], pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(samples[name], pipe)

    assert written == (GOLDEN / f"{name}-tsv.txt").read_text(encoding="utf-8")
