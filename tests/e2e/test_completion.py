"""Completion as bash asks for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import QSTASH, plain_environment


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("qstash pub", {"publish"}),
        ("qstash dlq re", {"retry"}),
        ("qstash dlq list --lab", {"--label"}),
        ("qstash publish --retr", {"--retries", "--retry-delay"}),
    ],
    ids=["word", "verb", "flag of a verb", "flag"],
)
def test_words_verbs_and_flags_are_completed(
    words: str, expected: set[str], tmp_path: Path
) -> None:
    env = plain_environment(tmp_path) | {
        "_QSTASH_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }

    done = subprocess.run(  # noqa: S603 - a command of the test
        QSTASH, env=env, capture_output=True, text=True, check=False
    )

    assert set(done.stdout.split()) == expected
