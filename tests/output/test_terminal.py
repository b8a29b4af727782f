"""The width of the terminal."""

from __future__ import annotations

import io

import pytest

from qstash_cli.output.terminal import can_encode_blocks, columns_of, has_colour, lines_of


@pytest.mark.parametrize(
    ("given", "columns"),
    [("120", 120), ("", 80), ("0", 80), ("-5", 80), ("²", 80), ("wide", 80), ("9" * 5_000, 80)],
)
def test_columns_sets_the_width_if_it_is_a_valid_number(given: str, columns: int) -> None:
    assert columns_of(given, None) == columns


@pytest.mark.parametrize(
    ("env", "in_a_pipe", "on_a_terminal"),
    [
        ({}, False, True),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": ""}, False, True),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, False, True),
        ({"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_the_environment_decides_about_colour(
    env: dict[str, str], *, in_a_pipe: bool, on_a_terminal: bool
) -> None:
    assert has_colour(env, is_terminal=False) == in_a_pipe
    assert has_colour(env, is_terminal=True) == on_a_terminal


@pytest.mark.parametrize(
    ("encoding", "has_blocks"),
    [("utf-8", True), ("ascii", False), ("latin-1", False), ("cp437", False)],
)
def test_the_encoding_decides_about_blocks(encoding: str, *, has_blocks: bool) -> None:
    with io.TextIOWrapper(io.BytesIO(), encoding=encoding) as stream:
        assert can_encode_blocks(stream) == has_blocks


@pytest.mark.parametrize(("given", "lines"), [("50", 50), ("", 24), ("0", 24), ("tall", 24)])
def test_the_height_is_that_of_lines_if_it_is_a_height(given: str, lines: int) -> None:
    assert lines_of(given, None) == lines
