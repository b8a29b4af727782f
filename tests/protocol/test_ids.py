"""Ids and names: generation, and validation before they become part of a path."""

import os
import re

import pytest

from qstash_cli.errors import BadInput
from qstash_cli.protocol import ids


def test_a_new_id_has_its_prefix_and_28_base58_characters() -> None:
    assert re.fullmatch(
        r"msg_[1-9A-HJ-NP-Za-km-z]{28}", ids.new_id("msg", lambda n: bytes(range(n)))
    )


def test_different_random_bytes_make_different_ids() -> None:
    assert ids.new_id("scd", lambda n: b"\1" * n) != ids.new_id("scd", lambda n: b"\2" * n)


def test_bytes_that_would_bias_the_digits_are_skipped() -> None:
    supplied = iter([bytes([232, 255] * 28), bytes(56)])

    assert ids.new_id("msg", lambda _n: next(supplied)) == f"msg_{'1' * 28}"


def test_time_ordered_ids_have_the_same_format_and_sort_by_time() -> None:
    times_ms = [1, 57, 58, 1_764_000_000_000, 1_764_000_000_001, 120_000_000_000_000]

    made = [ids.new_time_ordered_id("msg", now_ms, os.urandom) for now_ms in times_ms]

    assert sorted(made) == made
    assert all(re.fullmatch(r"msg_[1-9A-HJ-NP-Za-km-z]{28}", one) for one in made)


def test_time_ordered_ids_of_one_moment_differ() -> None:
    assert len({ids.new_time_ordered_id("msg", 1, os.urandom) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("name", ["orders", "a.b-c_D9"])
def test_names_of_letters_digits_and_punctuation_are_accepted(name: str) -> None:
    assert ids.validate_name(name, "queue") == name


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "a:b", "a\n"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="queue"):
        ids.validate_name(name, "queue")


@pytest.mark.parametrize("text", ["", " ", "a/b", "a?b", "a#b", "a\nb"])
def test_an_id_that_would_change_the_path_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="message"):
        ids.validate_id(text, "message")


@pytest.mark.parametrize("text", ["", "a:b", "a b", "a\tb"])
def test_a_deduplication_id_with_a_colon_or_spaces_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="deduplication id"):
        ids.validate_deduplication_id(text)
