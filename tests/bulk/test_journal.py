"""The journal of a batch, also after it was cut off."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.bulk.chunks import Chunk
from qstash_cli.bulk.journal import FileJournal, Past, _merged, undone
from qstash_cli.bulk.rows import Row, pieces_of, rows_in
from qstash_cli.bulk.source import Digested
from qstash_cli.errors import BadInput

API = "https://qstash.example.com"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "records.jsonl"
    path.write_text('{"id":1}\n{"id":2}\n')
    return path


@pytest.fixture
def journal(tmp_path: Path, source: Path) -> FileJournal:
    journal = FileJournal(tmp_path / "records.jsonl.journal")
    journal.begin("batch_1", API, source)
    return journal


def chunk(first: int, last: int) -> Chunk:
    return Chunk(first_line=first, last_line=last)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=12))
def test_ranges_become_ordered_ranges_of_the_same_lines(pairs: list[tuple[int, int]]) -> None:
    ranges = [(first, first + more) for first, more in pairs]

    merged = _merged(ranges)

    assert {n for a, b in merged for n in range(a, b + 1)} == {
        n for a, b in ranges for n in range(a, b + 1)
    }
    assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(merged))


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=8),
    st.integers(1, 80),
    st.integers(0, 20),
)
def test_lines_are_known_as_done_if_any_of_them_is(
    pairs: list[tuple[int, int]], first: int, more: int
) -> None:
    past = Past(done=_merged((a, a + further) for a, further in pairs))

    done = {line for a, b in past.done for line in range(a, b + 1)}
    assert past.has(first, first + more) == bool(done & set(range(first, first + more + 1)))


@given(
    st.lists(st.sampled_from([b"1", b"", b"{", b"[2]\r"]), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=4),
    st.integers(0, 30),
)
def test_what_is_done_is_left_out_and_nothing_else(
    lines: list[bytes], pairs: list[tuple[int, int]], cut: int
) -> None:
    content = b"\n".join(lines)
    past = Past(done=_merged((a, a + further) for a, further in pairs))

    def rows(past: Past) -> list[Row]:
        pieces = pieces_of("jsonl", [content[:cut], None, content[cut:]])
        return [row for piece in undone(pieces, past) if piece for row in rows_in(piece)]

    done = {line for a, b in past.done for line in range(a, b + 1)}
    assert rows(past) == [row for row in rows(Past()) if row.line not in done]


def test_what_was_noted_is_known_again(journal: FileJournal, source: Path) -> None:
    journal.note(chunk(1, 5), refused=2, rejects_bytes=70)
    journal.note(chunk(11, 15), refused=0, rejects_bytes=70)
    journal.note(chunk(6, 10), refused=0, rejects_bytes=70)

    past = journal.past(API, source, resumes=True)

    assert past is not None
    assert (past.job, past.done, past.is_finished) == ("batch_1", ((1, 15),), False)
    assert (past.refused, past.rejects_bytes) == (2, 70)


def test_a_line_that_was_cut_off_is_taken_away(
    journal: FileJournal, source: Path, tmp_path: Path
) -> None:
    path = tmp_path / "records.jsonl.journal"
    journal.note(chunk(1, 5), refused=0, rejects_bytes=0)
    with path.open("a") as file:
        file.write('{"done": [6, 1')

    journal.mend()
    journal.note(chunk(6, 10), refused=0, rejects_bytes=0)

    past = journal.past(API, source, resumes=True)
    assert past is not None
    assert past.done == ((1, 10),)


def test_a_grown_input_is_the_same_one(journal: FileJournal, source: Path) -> None:
    journal.note(chunk(1, 1), refused=0, rejects_bytes=0)
    with source.open("a") as file:
        file.write('{"id":3}\n')

    assert journal.past(API, source, resumes=True) is not None


def test_a_finished_input_may_grow_but_not_change(journal: FileJournal, source: Path) -> None:
    journal.note(chunk(1, 2), refused=0, rejects_bytes=0)
    with source.open("a") as file:
        file.write('{"id":3}\n')
    with source.open("rb") as file:
        digested = Digested(file)
        while digested.read(5):
            pass
    journal.finish(digested)
    with source.open("a") as file:
        file.write('{"id":4}\n')

    assert journal.past(API, source, resumes=True) is not None
    source.write_text(source.read_text().replace("3", "9"))
    with pytest.raises(BadInput, match="the input is not the one"):
        journal.past(API, source, resumes=True)
    assert journal.past(API, source, resumes=False) is not None


@pytest.mark.parametrize(
    ("content", "api_url", "words"),
    [
        ('{"id":9}\n{"id":2}\n', API, "the input is not the one"),
        ('{"id":1}\n{"id":9}\n', API, "the input is not the one"),
        ('{"id":1}\n{"id":2}\n', "https://other.example.com", "about another QStash"),
    ],
)
def test_another_input_or_another_qstash_is_refused(
    journal: FileJournal, source: Path, content: str, api_url: str, words: str
) -> None:
    journal.note(chunk(1, 1), refused=0, rejects_bytes=0)
    source.write_text(content)

    with pytest.raises(BadInput, match=words):
        journal.past(api_url, source, resumes=True)


@pytest.mark.parametrize("content", ["", "hello\n", '{"journal": 2}\n', "[1]\n"])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)

    with pytest.raises(BadInput, match="not a journal"):
        FileJournal(path).past(API, None, resumes=False)
