"""Lines of the input: splitting by number, and digests that do not depend on blocks."""

from __future__ import annotations

import hashlib
import itertools

from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.batch.lines import (
    LineRange,
    Lines,
    lines_of,
    partition,
    ranges_of,
    ranges_within,
)

TEXTS = st.lists(st.sampled_from([b"", b"a", b"{}\r", b"bcd"]), min_size=1, max_size=12)
CUTS = st.lists(st.integers(0, 40), max_size=5)
SPANS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), max_size=4)


def pieces(texts: list[bytes], cuts: list[int], *, has_end: bool = True) -> list[Lines]:
    content = b"\n".join(texts) + (b"\n" if has_end else b"")
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    found = lines_of([content[a:b] for a, b in itertools.pairwise(edges)])
    return [lines for lines in found if lines is not None]


def spans_of(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns ordered, disjoint spans from gaps and lengths."""
    spans, last = [], 0
    for gap, more in steps:
        spans.append((last + gap, last + gap + more))
        last = last + gap + more
    return spans


def numbers(parts: list[Lines]) -> list[int]:
    return [row.line for lines in parts for row in lines.rows()]


def digest(texts: list[bytes]) -> str:
    return hashlib.sha256(b"".join(text + b"\n" for text in texts)).hexdigest()


@given(TEXTS, CUTS, SPANS)
def test_lines_are_split_by_number(
    texts: list[bytes], cuts: list[int], steps: list[tuple[int, int]]
) -> None:
    spans = spans_of(steps)
    whole = pieces(texts, cuts)

    outside, inside = partition(whole, spans)

    wanted = {n for first, last in spans for n in range(first, last + 1)}
    assert numbers(outside) == [n for n in numbers(whole) if n not in wanted]
    assert numbers(inside) == [n for n in numbers(whole) if n in wanted]
    rows = {row.line: row for lines in whole for row in lines.rows()}
    for part in (*outside, *inside):
        assert all(rows[row.line] == row for row in part.rows())


@given(TEXTS, CUTS, st.booleans())
def test_the_digest_of_lines_is_that_of_their_bytes(
    texts: list[bytes], cuts: list[int], has_end: bool
) -> None:
    if not has_end and not texts[-1]:
        texts[-1] = b"x"

    found = ranges_of(pieces(texts, cuts, has_end=has_end))

    assert found == [LineRange(1, len(texts), digest(texts))]


@given(TEXTS, CUTS, SPANS)
def test_each_span_has_its_own_digest(
    texts: list[bytes], cuts: list[int], steps: list[tuple[int, int]]
) -> None:
    spans = [(first, min(last, len(texts))) for first, last in spans_of(steps)]
    spans = [(first, last) for first, last in spans if first <= last]

    found = ranges_within(pieces(texts, cuts), spans)

    assert found == [
        LineRange(first, last, digest(texts[first - 1 : last])) for first, last in spans
    ]


def test_lines_after_a_gap_start_another_range() -> None:
    one, two, _three, four = (Lines(n, 2 * n - 2, b"%d\n" % n) for n in range(1, 5))

    assert [(r.first, r.last) for r in ranges_of([one, two, four])] == [(1, 2), (4, 4)]
