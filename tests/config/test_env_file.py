"""Connection variables from a file replace all of the environment's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qstash_cli.config.env_file import variables
from qstash_cli.errors import BadInput


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "team.env"


def test_the_file_replaces_all_connection_variables(file: Path) -> None:
    file.write_text("QSTASH_TOKEN=of-the-file\nexport OTHER='a b' # comment\n")
    env = {
        "QSTASH_TOKEN": "t", "QSTASH_URL": "https://elsewhere.example", "QSTASH_DEV": "1",
        "US_EAST_1_QSTASH_TOKEN": "t", "QSTASH_CONFIG_DIR": "/c", "US_TOKEN": "kept", "OTHER": "x",
    }  # fmt: skip

    assert variables(str(file), env) == {
        "QSTASH_TOKEN": "of-the-file", "QSTASH_CONFIG_DIR": "/c", "US_TOKEN": "kept",
        "OTHER": "a b",
    }  # fmt: skip
    assert "OTHER" not in os.environ


def test_values_are_not_expanded(file: Path) -> None:
    file.write_text('QSTASH_TOKEN="${HOME}$(id)`id`"\n')

    assert variables(str(file), {"HOME": "/h"})["QSTASH_TOKEN"] == "${HOME}$(id)`id`"


def test_a_name_without_a_value_is_not_set(file: Path) -> None:
    file.write_text("\ufeffQSTASH_DEV\nQSTASH_TOKEN=\n")

    assert variables(str(file), {}) == {"QSTASH_TOKEN": ""}


@pytest.mark.parametrize(
    ("content", "line"), [("A=1\n\n\nsecret words\nB=2\n", 4), ("secret words", 1), ("A='x\n", 1)]
)
def test_the_error_names_an_invalid_line_without_its_content(
    file: Path, content: str, line: int
) -> None:
    file.write_text(content)

    with pytest.raises(BadInput) as refused:
        variables(str(file), {})

    assert refused.value.message == f"{file}, line {line}: not NAME=value"


def test_the_error_names_an_unreadable_file(file: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read the environment file: .*team\.env"):
        variables(str(file), {})
    file.write_bytes(b"A=\xff\xfe")
    with pytest.raises(BadInput, match="not UTF-8"):
        variables(str(file), {})
