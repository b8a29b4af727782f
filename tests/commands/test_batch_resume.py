"""`qstash batch --resume`: refused records, changed inputs and damaged journals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.in_process import Qstash, Run

HOOK = "https://example.com/hook"
TO = ("--to", HOOK, "--delay", "1d")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "in.jsonl"


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def resumed(local: Qstash, source: Path, *argv: str) -> Run:
    return local("batch", str(source), *TO, "--resume", *argv)


def bodies(local: Qstash) -> list[str]:
    """Returns the bodies of all waiting messages, ordered by their numbers."""
    entries = local("logs", "-o", "json", "--state", "CREATED").json
    ids = [entry["messageId"] for entry in entries]
    return sorted(local("message", "get", one, "--json").json["body"] for one in ids)


def test_refused_records_are_remembered_until_their_lines_change(
    local: Qstash, source: Path, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.jsonl"
    written(source, '{"id":1}', "{", '{"id":3}', "[")

    runs = [resumed(local, source, "--rejects", str(rejects)) for _ in range(2)]
    kept = [json.loads(line)["line"] for line in rejects.read_text().splitlines()]
    written(source, '{"id":1}', '{"id":2}', '{"id":3}', "[")
    runs.append(resumed(local, source, "--rejects", str(rejects)))
    left = [json.loads(line)["line"] for line in rejects.read_text().splitlines()]
    written(source, '{"id":1}', '{"id":2}', '{"id":3}', '{"id":4}')
    runs += [resumed(local, source, "--rejects", str(rejects)) for _ in range(2)]

    assert [run.code for run in runs] == [10, 10, 10, 0, 0], runs
    assert runs[1].json == {"sent": 0, "refused": 0, "sentBefore": 2, "refusedBefore": 2}
    assert "error: 2 records were refused before (lines 2, 4)" in runs[1].err
    assert "hint: correct these lines in the input, and --resume sends them again" in runs[1].err
    assert runs[2].json == {"sent": 1, "refused": 0, "sentBefore": 2, "refusedBefore": 1}
    assert "error: 1 record was refused before (line 4)" in runs[2].err
    assert runs[3].json == {"sent": 1, "refused": 0, "sentBefore": 3}
    assert (kept, left, rejects.read_text()) == ([2, 4], [4], "")
    assert bodies(local) == [f'{{"id":{n}}}' for n in range(1, 5)]


def test_a_record_that_is_refused_again_after_a_change_counts_once(
    local: Qstash, source: Path, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.jsonl"
    written(source, '{"id":1}', "{")
    resumed(local, source, "--rejects", str(rejects))
    written(source, '{"id":1}', "[")

    again = resumed(local, source, "--rejects", str(rejects))
    later = resumed(local, source, "--rejects", str(rejects))

    assert (again.code, later.code) == (10, 10)
    assert "error: 1 of 1 records were refused" in again.err
    assert "1 record was refused before (line 2)" in later.err
    (entry,) = rejects.read_text().splitlines()
    assert json.loads(entry)["record"] == "["


def test_a_record_that_qstash_refused_is_remembered_too(local: Qstash, source: Path) -> None:
    bad = f'{{"destination":"{HOOK}","headers":{{"Upstash-Retries":"many"}}}}'
    good = f'{{"destination":"{HOOK}","headers":{{"Upstash-Delay":"1d"}}}}'
    written(source, good, bad, good)
    argv = ("batch", str(source), "--no-check", "--resume")

    first, second = local(*argv), local(*argv)
    written(source, good, good, good)
    third = local(*argv)

    assert [run.code for run in (first, second, third)] == [10, 10, 0]
    assert "1 record was refused before (line 2)" in second.err
    assert third.json == {"sent": 1, "refused": 0, "sentBefore": 2}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("1", "2", "3", "4", "5", "6"), None),
        (("1", "2", "3", "4", "5", "6", "7"), None),
        (("1", "2", "3", "40", "5", "6"), "lines 3 to 4 differ"),
        (("1", "3", "4", "5", "6"), "lines 1 to 2 differ"),
        (("1", "2", "3", "5", "6", "7"), "lines 3 to 4 differ"),
        (("1", "2", "3", "4", "5"), "it ends before line 6, which was sent"),
        (("0", "1", "2", "3", "4", "5", "6"), "lines 1 to 2 differ"),
        ((), "it ends before line 2, which was sent"),
        (("1", "2", "3", "4", "5", "6", "8"), None),
    ],
)
def test_an_input_whose_sent_lines_have_changed_is_refused_before_anything_is_sent(
    local: Qstash, source: Path, lines: tuple[str, ...], message: str | None
) -> None:
    written(source, *"123456")
    assert resumed(local, source, "--chunk-size", "2").code == 0
    written(source, *lines)
    before = len(bodies(local))

    run = resumed(local, source)

    assert run.code == (2 if message else 0), run
    assert (message or "") in run.err
    if message:
        assert "error: the input has changed since records were sent" in run.err
        assert "delete the journal to send every record again" in run.err
    assert len(bodies(local)) - before == (0 if message else len(lines) - 6)


def test_changes_to_unsent_lines_are_sent(local: Qstash, source: Path) -> None:
    written(source, *"123456")
    assert resumed(local, source, "--chunk-size", "2", "--in-flight", "1").code == 0
    journal = Path(f"{source}.journal")
    # As if the run had been killed after the first two requests.
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:3]))
    written(source, *"1234", "50")

    run = resumed(local, source)

    assert (run.code, run.json["sent"], run.json["sentBefore"]) == (0, 1, 4)


def test_a_stream_is_verified_while_it_is_sent(local: Qstash, tmp_path: Path) -> None:
    journal = str(tmp_path / "journal")
    argv = ("batch", "-", *TO, "--journal", journal, "--resume", "--chunk-size", "2")
    assert local(*argv, stdin=b"1\n2\n3\n4\n").code == 0

    same = local(*argv, stdin=b"1\n2\n3\n4\n5\n")
    other = local(*argv, stdin=b"1\n2\n3\n9\n5\n6\n")

    assert (same.code, same.json["sent"]) == (0, 1)
    assert other.code == 2
    assert "lines 3 to 4 differ: standard input" in other.err
    assert bodies(local) == ["1", "2", "3", "4", "5"]


def test_a_changed_csv_header_is_refused(local: Qstash, tmp_path: Path) -> None:
    source = written(tmp_path / "in.csv", "id,name", "1,a")
    assert resumed(local, source).code == 0
    written(source, "name,id", "1,a", "2,b")

    run = resumed(local, source)

    assert run.code == 2
    assert "the header of the input has changed" in run.err


def test_unreadable_csv_rows_are_refused_and_the_others_sent(local: Qstash, tmp_path: Path) -> None:
    source, rejects = tmp_path / "in.csv", tmp_path / "rejects.jsonl"
    source.write_bytes(b'id,name\n1,ada\n2,\xff\n3,gr\xc3\xa4ce\n4,"x\n')

    run = resumed(local, source, "--rejects", str(rejects))
    source.write_bytes(b"id,name\n1,ada\n2,b\n3,gr\xc3\xa4ce\n4,x\n")
    mended = resumed(local, source, "--rejects", str(rejects))

    assert (run.code, run.json) == (10, {"sent": 2, "refused": 2}), run
    assert (mended.code, mended.json["sent"]) == (0, 2), mended
    assert [json.loads(body)["name"] for body in bodies(local)] == ["ada", "b", "gräce", "x"]


def test_the_reason_is_reported_with_the_line(local: Qstash, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b'id,name\n1,ada\n2,"b\n\xff"\n')

    run = resumed(local, source)

    assert "warning: line 3: not UTF-8 at byte 0 of line 4" in run.err


ESCAPED = st.text(st.characters(), max_size=6).map(lambda text: json.dumps(text)[1:-1])
SURROGATES = ESCAPED | st.sampled_from(["\\ud800", "\\udfff", "\\u0000", "x"])
ITEMS = st.builds(
    lambda to, name, value, body, queue: (
        f'{{"destination":"{to}","headers":{{"{name}":"{value}"}},"body":"{body}",'
        f'"queue":"{queue}"}}'
    ),
    SURROGATES | st.just(HOOK), SURROGATES, SURROGATES, SURROGATES, SURROGATES,
)  # fmt: skip


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ITEMS, min_size=1, max_size=20), st.booleans())
def test_no_text_in_a_record_stops_other_records(
    local: Qstash, lines: list[str], checks: bool
) -> None:
    good = f'{{"destination":"{HOOK}","body":"good"}}'
    stdin = "\n".join([*lines, good]).encode()

    run = local(
        "batch", "-", "--dry-run", "-o", "jsonl", *(() if checks else ("--no-check",)), stdin=stdin
    )

    output = [json.loads(line) for line in run.out.splitlines()]
    assert len(output) == len(lines) + 1
    assert [one.get("body") for one in output if "error" not in one][-1] == "good"
    assert run.code in {0, 10}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (1, '{"done": null, "sent": 1}'),
        (1, "[1]"),
        (1, '{"done": [["a", "b", "c"]], "sent": 1}'),
        (1, "[" * 100_000),
        (1, '{"done": [], "sent": "many"}'),
        (0, '{"journal": 2, "api_url": "x"}'),
        (0, '{"journal": 2, "job": 7, "api_url": "x"}'),
        (0, '{"journal": 2, "job": "a b", "api_url": "x"}'),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--resume",)])
def test_a_damaged_journal_is_refused_with_its_line_and_a_hint(
    local: Qstash, source: Path, place: int, text: str, flags: tuple[str, ...]
) -> None:
    written(source, *"123")
    assert resumed(local, source).code == 0
    journal = Path(f"{source}.journal")
    lines = journal.read_text().splitlines()
    lines[place] = text
    written(journal, *lines)

    run = local("batch", str(source), *TO, *flags)

    assert run.code == 2, run
    assert f"error: line {place + 1} of the journal is damaged: " in run.err
    assert "delete" in run.err
    assert len(bodies(local)) == 3


def test_deleting_a_damaged_line_sends_its_records_again_under_the_same_ids(
    local: Qstash, source: Path
) -> None:
    written(source, *"123456")
    assert resumed(local, source, "--chunk-size", "2", "--in-flight", "1").code == 0
    journal = Path(f"{source}.journal")
    lines = journal.read_text().splitlines()
    written(journal, lines[0], lines[1], lines[3], lines[4])

    run = resumed(local, source)

    assert (run.code, run.json) == (
        0, {"sent": 2, "refused": 0, "sentBefore": 4, "deduplicated": 2},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--rejects", "{source}"), "--rejects names the input"),
        (("--journal", "{source}"), "--journal names the input"),
        (("--rejects", "{source}.journal"), "--rejects names the journal"),
        (("--rejects", "both", "--journal", "./both"), "--rejects names the journal"),
    ],
)
def test_no_file_of_a_run_overwrites_another(
    local: Qstash,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(source.parent)
    content = written(source, *"123").read_text()

    run = local("batch", str(source), *TO, *(flag.format(source=source) for flag in flags))

    assert run.code == 2, run
    assert words in run.err
    assert source.read_text() == content
    assert [path.name for path in source.parent.iterdir()] == [source.name]
