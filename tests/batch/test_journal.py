"""The journal of a batch keeps the results of a run, even if the run is killed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstash_cli.batch.chunks import Chunk
from qstash_cli.batch.items import Record
from qstash_cli.batch.journal import FileJournal, Run, opened_journal
from qstash_cli.batch.journal_state import JournalState, read_state
from qstash_cli.batch.lines import Lines
from qstash_cli.errors import BadInput, QstashError

API = "https://qstash.example.com"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "records.jsonl"
    path.write_text('{"id":1}\n{"id":2}\n')
    return path


@pytest.fixture
def path(source: Path) -> Path:
    return source.with_name("records.jsonl.journal")


def a_run(source: Path | None = None, **given: Any) -> Run:
    return Run(
        api_url=API,
        source=source,
        has_header=False,
        resumes=True,
        new_job=lambda: f"batch_{os.urandom(4).hex()}",
        started_at_s=0.0,
        now=lambda: 100.0,
    )._replace(**given)


def opened(path: Path, run: Run) -> tuple[FileJournal, JournalState]:
    with ExitStack() as stack:
        return stack.enter_context(opened_journal(path, run))


def chunk(first: int, *texts: str) -> Chunk:
    data = "".join(f"{text}\n" for text in texts).encode()
    lines = Lines(first, 0, data)
    records = [Record(row, row.line) for row in lines.rows()]
    return Chunk(lines=[lines], good=records)


def spans(state: JournalState | None) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    assert state is not None
    return [(r.first, r.last) for r in state.done], [(r.first, r.last) for r in state.refused]


def test_recorded_results_are_read_again(path: Path, source: Path) -> None:
    journal, begun = opened(path, a_run(source))
    first, second = chunk(1, "a", "b", "c"), chunk(4, "d", "e")
    journal.note(second, [])
    journal.note(first, [first.good[1]])

    _, state = opened(path, a_run(source))

    assert spans(state) == ([(1, 1), (3, 3), (4, 5)], [(2, 2)])
    assert (state.head.job, state.sent, state.finished_at_s) == (begun.head.job, 4, None)


def test_a_refused_record_that_was_sent_later_is_no_longer_refused(
    path: Path, source: Path
) -> None:
    journal, _ = opened(path, a_run(source))
    for text, is_refused in (("a", True), ("b", True), ("c", False)):
        one = chunk(7, text)
        journal.note(one, one.good if is_refused else [])
        refused = spans(read_state(path))[1]
        assert refused == ([(7, 7)] if is_refused else [])

    assert spans(read_state(path)) == ([(7, 7)], [])


def test_an_incomplete_last_line_is_removed(path: Path, source: Path) -> None:
    journal, _ = opened(path, a_run(source))
    journal.note(chunk(1, "a"), [])
    whole = path.read_bytes()
    journal.note(chunk(2, "b"), [])
    path.write_bytes(path.read_bytes()[:-7])

    journal, state = opened(path, a_run(source))
    assert path.read_bytes() == whole
    journal.note(chunk(2, "c"), [])

    assert spans(state) == ([(1, 1)], [])
    assert spans(read_state(path)) == ([(1, 1), (2, 2)], [])


def test_a_run_that_sent_nothing_keeps_its_job_only_for_the_same_input(
    path: Path, source: Path
) -> None:
    jobs = [opened(path, a_run(source, resumes=False))[1].head.job for _ in range(2)]
    with source.open("a") as file:
        file.write('{"id":3}\n')
    jobs.append(opened(path, a_run(source))[1].head.job)
    source.write_text('{"id":9}\n')
    jobs.append(opened(path, a_run(source))[1].head.job)
    jobs.append(opened(path, a_run(source, api_url="https://other.example.com"))[1].head.job)

    assert len(set(jobs[:3])) == 1
    assert len(set(jobs)) == 3


def test_a_finished_run_starts_over_unless_it_is_resumed(path: Path, source: Path) -> None:
    journal, first = opened(path, a_run(source))
    journal.note(chunk(1, "a"), [])
    journal.finish(5.0)

    _, resumed = opened(path, a_run(source))
    _, anew = opened(path, a_run(source, resumes=False, started_at_s=6.0))

    assert (resumed.head.job, resumed.finished_at_s) == (first.head.job, 5.0)
    assert anew.head.job != first.head.job
    assert anew.is_empty


def test_a_run_that_finished_after_this_one_was_started_is_not_repeated(
    path: Path, source: Path
) -> None:
    journal, _ = opened(path, a_run(source))
    journal.finish(5.0)
    before = path.read_bytes()

    with pytest.raises(QstashError, match="another process has just sent this input") as caught:
        opened(path, a_run(source, resumes=False, started_at_s=4.9))

    assert caught.value.exit_code == 1
    assert path.read_bytes() == before
    opened(path, a_run(source, resumes=False, started_at_s=4.0, now=lambda: 4.9))
    assert path.read_bytes() != before


def test_an_unfinished_run_does_not_start_over(path: Path, source: Path) -> None:
    journal, _ = opened(path, a_run(source))
    one = chunk(1, "a")
    journal.note(one, one.good)

    with pytest.raises(BadInput, match="the previous run did not finish"):
        opened(path, a_run(source, resumes=False))


def test_a_journal_of_another_api_url_is_refused(path: Path, source: Path) -> None:
    journal, _ = opened(path, a_run(source))
    journal.note(chunk(1, "a"), [])

    with pytest.raises(BadInput, match="belongs to another API URL"):
        opened(path, a_run(source, api_url="https://other.example.com"))


def test_a_changed_csv_header_is_refused(path: Path, source: Path) -> None:
    journal, _ = opened(path, a_run(source, has_header=True))
    journal.note(chunk(7, "a"), [])
    source.write_text('{"id":1}\nanother row\n')
    opened(path, a_run(source, has_header=True))
    source.write_text('another header\n{"id":2}\n')

    with pytest.raises(BadInput, match="the header of the input has changed"):
        opened(path, a_run(source, has_header=True))
    opened(path, a_run(source))


def test_two_names_of_a_journal_share_a_lock(path: Path, source: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(path)

    with (
        opened_journal(path, a_run(source)),
        pytest.raises(QstashError, match=f"process {os.getpid()} is using") as caught,
        opened_journal(alias, a_run(source)),
    ):
        pass

    assert caught.value.exit_code == 1


V1 = (
    '{"journal": 1, "job": "batch_1", "api_url": "https://qstash.example.com"}',
    '{"done": [1, 2], "sent": 2}',
    '{"finished": true, "bytes": 18, "sha256": "0"}',
)


def test_an_older_journal_is_refused_unless_its_run_finished(path: Path, source: Path) -> None:
    path.write_text("\n".join(V1) + "\n")
    with pytest.raises(BadInput, match="earlier version") as caught:
        opened(path, a_run(source))
    assert "delete the journal" in caught.value.hint
    _, anew = opened(path, a_run(source, resumes=False))
    path.write_text("\n".join(V1[:2]) + "\n")
    with pytest.raises(BadInput, match="earlier version"):
        opened(path, a_run(source, resumes=False))

    assert anew.is_empty


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a journal"),
        ("hello\n", "not a journal"),
        ("[1]\n", "not a journal"),
        ('{"id": 1}\n', "not a journal"),
        ('{"journal": true}\n', "not a journal"),
        ('{"journal": 2}', "not a journal"),
        ("x" * 100_000, "not a journal"),
        ('{"journal": 3}\n', "later version"),
        ('{"journal": 2}\n', 'line 1 of the journal is damaged: "job"'),
        (
            '{"journal": 2, "job": "a:b", "api_url": ""}\n',
            'line 1 of the journal is damaged: "job"',
        ),
    ],
)
def test_a_file_that_is_not_a_journal_is_refused(path: Path, content: str, message: str) -> None:
    path.write_text(content)

    with pytest.raises(BadInput, match=message):
        opened(path, a_run())

    assert path.read_text() == content


def test_overlapping_lines_are_damage(path: Path) -> None:
    journal, _ = opened(path, a_run())
    journal.note(chunk(1, "a", "b"), [])
    journal.note(chunk(2, "b"), [])

    with pytest.raises(BadInput, match=r"line 3 of the journal .* line 2 of the input"):
        read_state(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def _with_value(place: int, name: str, value: Any) -> Callable[[list[bytes]], bytes]:
    def changed(lines: list[bytes]) -> bytes:
        values = json.loads(lines[place])
        values[name] = value
        lines[place] = json.dumps(values).encode()
        return b"\n".join([*lines, b""])

    return changed


def _with_bytes(place: int, data: bytes) -> Callable[[list[bytes]], bytes]:
    def changed(lines: list[bytes]) -> bytes:
        whole = b"\n".join([*lines, b""])
        return whole[: place % len(whole)] + data + whole[place % len(whole) :]

    return changed


DAMAGES = st.one_of(
    st.builds(
        _with_value,
        st.integers(0, 3),
        st.sampled_from(
            [
                "journal",
                "job",
                "api_url",
                "begins_with",
                "done",
                "sent",
                "refused",
                "finished",
                "at_s",
            ]
        ),
        VALUES,
    ),
    st.builds(_with_bytes, st.integers(0, 1000), st.binary(max_size=8)),
    st.binary(max_size=60).map(lambda data: lambda _lines: data),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(DAMAGES)
def test_a_damaged_journal_is_read_or_refused_with_line_and_hint(
    path: Path, damage: Callable[[list[bytes]], bytes]
) -> None:
    path.unlink(missing_ok=True)
    journal, _ = opened(path, a_run())
    first = chunk(1, "a", "b", "c")
    journal.note(first, [first.good[1]])
    journal.note(chunk(4, "d"), [])
    journal.finish(1.0)
    content = damage(path.read_bytes().split(b"\n")[:-1])
    path.write_bytes(content)

    try:
        state = read_state(path)
    except BadInput as error:
        damage_found: BadInput | None = error
    else:
        damage_found = None
        assert state is not None
        assert state.size <= len(content)
    if damage_found:
        assert re.search(r"line \d+ of the journal|not a journal|version", damage_found.message)
        assert re.search(r"delete|--journal|update", damage_found.hint)


def test_a_run_notices_that_another_finished_while_it_waited_for_the_lock(
    source: Path, path: Path
) -> None:
    # Both processes start at 1.0. This one prepares its run at 2.0; the first one finishes at 3.0.
    clock = iter((4.0,))
    waiting = a_run(source, resumes=False, started_at_s=1.0, now=lambda: next(clock))
    with opened_journal(path, a_run(source, resumes=False)) as (journal, _):
        journal.finish(3.0)

    with pytest.raises(QstashError, match="another process has just sent this input"):
        opened(path, waiting)
