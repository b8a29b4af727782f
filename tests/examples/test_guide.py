"""The guide contains the code of the examples, and their list is complete."""

from __future__ import annotations

import re

import pytest

from tests.examples.endpoints import ALL, EXAMPLES, Example

_GUIDE = EXAMPLES.parent / "docs/guides/verify-signatures.md"


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.folder)
def test_the_guide_contains_the_example(example: Example) -> None:
    blocks = re.findall(
        r"^```(?:python|js)\n(.*?)^```$", _GUIDE.read_text(), re.MULTILINE | re.DOTALL
    )

    assert example.source in blocks


def test_every_example_is_listed_and_tested() -> None:
    listed = re.findall(
        r"^\| \[(.*?)\]\(\1\) \| `(.*?)`", (EXAMPLES / "README.md").read_text(), re.MULTILINE
    )

    assert listed == [(example.folder, example.file) for example in ALL]
