"""Resuming an input: unsent lines remain, and changed lines are refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.batch.journal_entries import Head
from qstash_cli.batch.journal_state import JournalState
from qstash_cli.batch.lines import (
    Lines,
    Row,
    lines_of,
    ranges_within,
)
from qstash_cli.batch.resume import InputChanged, Resumption
from qstash_cli.batch.rows import FileFormat, pieces_of, rows_in

HEAD = Head("batch_1", "https://qstash.example.com")
TEXTS = st.sampled_from([b"1", b"", b"{", b"[2]\r", b"3"])
FATES = st.sampled_from(["done", "refused", "left"])


def whole(texts: list[bytes]) -> list[Lines]:
    return [lines for lines in lines_of([b"".join(text + b"\n" for text in texts)]) if lines]


def state_of(texts: list[bytes], fates: list[str], *, split: int = 99) -> JournalState:
    """Returns the state after runs with these results; a range has at most `split` lines."""
    done: list[tuple[int, int]] = []
    refused: list[tuple[int, int]] = []
    for line, fate in enumerate(fates[: len(texts)], 1):
        if fate == "refused":
            refused.append((line, line))
        elif fate == "done":
            if done and done[-1][1] == line - 1 and line - done[-1][0] < split:
                done[-1] = (done[-1][0], line)
            else:
                done.append((line, line))
    pieces = whole(texts)
    return JournalState(
        HEAD, tuple(ranges_within(pieces, done)), tuple(ranges_within(pieces, refused))
    )


def remaining(
    state: JournalState, content: bytes, cuts: list[int], file_format: FileFormat = "jsonl"
) -> tuple[list[Row], Resumption]:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [content[a:b] for a, b in itertools.pairwise(edges)]
    resumption = Resumption(state, "in.jsonl")
    pieces = resumption.remaining(pieces_of(file_format, blocks))
    return [row for piece in pieces if piece for row in rows_in(piece)], resumption


@given(
    st.lists(TEXTS, min_size=1, max_size=10),
    st.lists(FATES, min_size=10, max_size=10),
    st.tuples(
        st.lists(st.tuples(st.integers(0, 9), TEXTS), max_size=3), st.lists(TEXTS, max_size=3)
    ),
    st.lists(st.integers(0, 40), max_size=4),
    st.integers(1, 4),
)
def test_only_sent_lines_and_unchanged_refused_lines_are_skipped(
    texts: list[bytes],
    fates: list[str],
    changes: tuple[list[tuple[int, bytes]], list[bytes]],
    cuts: list[int],
    split: int,
) -> None:
    state = state_of(texts, fates, split=split)
    edits, added = changes
    edited = [*texts]
    for place, text in edits:
        edited[place % len(edited)] = text
    now = [*edited, *added]
    content = b"".join(text + b"\n" for text in now)
    fate = dict(enumerate(fates[: len(texts)], 1))
    is_same = {n: now[n - 1] == text for n, text in enumerate(texts, 1)}

    if any(fate[n] == "done" and not same for n, same in is_same.items()):
        with pytest.raises(InputChanged):
            remaining(state, content, cuts)
        return
    rows, resumption = remaining(state, content, cuts)

    skipped = [n for n, same in is_same.items() if fate[n] == "refused" and same]
    done = [n for n in is_same if fate[n] == "done"]
    assert resumption.refused_before == skipped
    assert resumption.skipped_bytes == sum(len(now[n - 1]) + 1 for n in (*skipped, *done))
    assert [row.line for row in rows] == [
        n for n, text in enumerate(now, 1) if text.strip() and n not in {*skipped, *done}
    ]
    assert [row.text for row in rows] == [now[row.line - 1].removesuffix(b"\r") for row in rows]


@given(
    st.lists(TEXTS, min_size=2, max_size=10),
    st.lists(FATES, min_size=10, max_size=10),
    st.integers(0, 9),
    st.booleans(),
)
def test_deleted_and_inserted_lines_before_sent_lines_are_detected(
    texts: list[bytes], fates: list[str], place: int, deletes: bool
) -> None:
    texts = [b"%d" % n + text for n, text in enumerate(texts)]
    place %= len(texts)
    state = state_of(texts, fates)
    now = texts[:place] + texts[place + 1 :] if deletes else [*texts[:place], b"x", *texts[place:]]
    content = b"".join(text + b"\n" for text in now)

    if any(one.last > place for one in state.done):
        with pytest.raises(InputChanged):
            remaining(state, content, [])
    else:
        remaining(state, content, [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1\n2\n3\n9\n", "lines 3 to 4 differ"),
        (b"1\n2\n3\n", "it ends before line 4"),
        (b"", "it ends before line 2"),
        (b"2\n3\n4\n", "lines 1 to 2 differ"),
    ],
)
def test_the_error_names_the_first_range_that_differs(content: bytes, message: str) -> None:
    state = state_of([b"1", b"2", b"3", b"4"], ["done"] * 4, split=2)

    with pytest.raises(InputChanged, match=message):
        remaining(state, content, [])


def test_the_error_names_a_single_line_that_differs() -> None:
    state = state_of([b"1", b"2"], ["left", "done"])

    with pytest.raises(InputChanged, match="sent: line 2 differs"):
        remaining(state, b"1\n3\n", [])


def test_appending_may_add_the_line_feed_of_the_last_line() -> None:
    state = state_of([b"1", b"2"], ["done"] * 2)

    rows, _ = remaining(state, b"1\n2", [])
    more, _ = remaining(state, b"1\n2\n3", [])

    assert ([row.line for row in rows], [row.line for row in more]) == ([], [3])


def test_a_refused_csv_row_of_several_lines_is_recognised() -> None:
    content = b'id,name\n1,a\n2,"b\nc"x\n3,d\n'
    lines = [part for part in lines_of([content]) if part]
    state = JournalState(
        HEAD, tuple(ranges_within(lines, [(1, 2)])), tuple(ranges_within(lines, [(3, 4)]))
    )

    same, resumption = remaining(state, content, [], "csv")
    mended, _ = remaining(state, content.replace(b'"x', b'"'), [], "csv")

    assert ([row.line for row in same], resumption.refused_before) == ([5], [3])
    assert [(row.line, row.error) for row in mended] == [(3, ""), (5, "")]


def test_a_csv_row_that_now_ends_on_a_sent_line_is_refused() -> None:
    content = b"id,name\n1\n2,b\n3,c\n"
    lines = [part for part in lines_of([content]) if part]
    state = JournalState(
        HEAD, tuple(ranges_within(lines, [(1, 1), (3, 3)])), tuple(ranges_within(lines, [(2, 2)]))
    )

    rows, _ = remaining(state, b'id,name\n1,"\n2,b\n3,"c"\n', [], "csv")

    assert [(row.line, row.last_line) for row in rows if row.error] == [(2, 4)]
    assert not [row for row in rows if not row.error]


def test_many_ranges_are_verified_wherever_the_blocks_end() -> None:
    texts = [b"%d" % n for n in range(2_000)]
    state = state_of(texts, ["done"] * len(texts), split=1)
    content = b"".join(text + b"\n" for text in texts)

    rows, resumption = remaining(state, content + b"new\n", list(range(0, len(content), 4096)))

    assert [row.text for row in rows] == [b"new"]
    assert resumption.is_complete
