"""`-o yaml` parses to the same values, and is safe for terminals."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from hypothesis import given

from qstash_cli.errors import QstashError
from qstash_cli.output import yaml_text
from qstash_cli.output.result import Result, View
from qstash_cli.output.safe import UNSAFE
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.yaml_text import yaml_document
from tests.output.strategies import JSON_VALUES

VIEW = View(columns=(), id="messageId")


@given(JSON_VALUES)
def test_every_json_value_reads_back_equal(value: Any) -> None:
    assert yaml.safe_load(yaml_document(value)) == value


@given(JSON_VALUES)
def test_no_character_controls_a_terminal(value: Any) -> None:
    assert set(re.findall(UNSAFE, yaml_document(value))) <= {"\n"}


@given(JSON_VALUES)
def test_pyyaml_without_libyaml_writes_the_same_values(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeDumper")
        yaml_text._dumpers.cache_clear()
        document = yaml_document(value)
    yaml_text._dumpers.cache_clear()

    assert yaml.safe_load(document) == value


def test_records_are_a_sequence_in_block_style(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    records: list[Any] = [
        MappingProxyType({"id": "msg_1", "zone": "no", "body": "Grüße\n  two lines\n", "n": 1}),
        {"labels": ["a", "b"], "header": {}, "none": None},
    ]

    written = rendered(Result(data=iter(records), view=VIEW), pipe, format="yaml")

    assert (
        written
        == """\
- id: msg_1
  zone: 'no'
  body: |
    Grüße
      two lines
  n: 1
- labels:
  - a
  - b
  header: {}
  none: null
"""
    )


def test_one_record_is_a_mapping(pipe: TerminalInfo, rendered: Callable[..., str]) -> None:
    assert rendered(Result(data={"a": 1}, view=VIEW), pipe, format="yaml") == "a: 1\n"


def test_equal_values_are_written_again_without_an_alias() -> None:
    shared = ["x"]

    assert yaml_document({"a": shared, "b": shared}) == "a:\n- x\nb:\n- x\n"


def test_a_value_that_is_nested_too_deeply_is_an_error() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(QstashError, match="nested too deeply"):
        yaml_document(value)
