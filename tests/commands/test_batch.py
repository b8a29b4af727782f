"""`qstash batch`: records become messages, rejected ones are reported, nothing is sent twice."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.in_process import Qstash

HOOK = "https://example.com/hook"
LATER = ("--delay", "1d")


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A file of three records, each of which is a body."""
    path = tmp_path / "orders.jsonl"
    path.write_text('{"id":1,"in":"2h"}\n\n{"id":2,"in":""}\n{"id":3}\n')
    return path


def sent_by(local: Qstash, *argv: str, stdin: bytes = b"") -> list[dict[str, Any]]:
    """Returns the messages of a batch, in the order of its lines."""
    run = local("batch", *argv, "-o", "jsonl", stdin=stdin)
    assert run.code == 0, run
    ids = [json.loads(line)["messageId"] for line in run.out.splitlines()]
    return [local("message", "get", message_id, "--json").json for message_id in ids]


def test_records_are_whole_items(local: Qstash) -> None:
    item = {
        "destination": HOOK,
        "headers": {"Upstash-Delay": "1d", "upstash-label": "mine", "Upstash-Retries": 1},
        "body": {"nested": [1]},
        "queue": None,
    }

    [message] = sent_by(
        local, "-", "--label", "of-all", "--retries", "4", "--timeout", "7s",
        stdin=json.dumps(item).encode(),
    )  # fmt: skip

    assert message["url"] == HOOK
    assert message["body"] == '{"nested":[1]}'
    assert message["header"]["Content-Type"] == ["application/json"]
    assert (message["label"], message["maxRetries"]) == ("mine", 1)


def test_records_are_bodies_with_options_from_their_fields(local: Qstash, records: Path) -> None:
    argv = (str(records), "--to", HOOK, "--dedup-field", "id", "--delay-field", "in", *LATER)

    first, second, third = sent_by(local, *argv)

    assert [m["body"] for m in (first, second, third)] == [
        '{"id":1,"in":"2h"}', '{"id":2,"in":""}', '{"id":3}',
    ]  # fmt: skip
    assert [round((m["notBefore"] - m["createdAt"]) / 3_600_000) for m in (first, second)] == [
        2, 24,
    ]  # fmt: skip
    run = local("batch", *argv)
    assert run.json == {"sent": 3, "refused": 0, "deduplicated": 3}


def test_a_destination_field_may_be_nested_and_csv_rows_become_objects(
    local: Qstash, tmp_path: Path
) -> None:
    path = tmp_path / "orders.CSV"
    path.write_text(f'id,to.url,note\n1,{HOOK}/1,"two\nlines"\n2,{HOOK}/2,ü\n')

    first, second = sent_by(local, str(path), "--destination-field", "to.url", *LATER)
    [nested] = sent_by(
        local, "-", "--destination-field", "to.url", *LATER,
        stdin=f'{{"to":{{"url":"{HOOK}/3"}}}}'.encode(),
    )  # fmt: skip

    assert [m["url"] for m in (first, second, nested)] == [f"{HOOK}/{n}" for n in (1, 2, 3)]
    assert json.loads(first["body"])["note"] == "two\nlines"
    assert json.loads(second["body"])["note"] == "ü"


def test_csv_columns_may_be_fields_of_an_item(local: Qstash) -> None:
    [message] = sent_by(
        local, "-", "--format", "csv",
        stdin=f"destination,body,queue,Upstash-Delay\n{HOOK},hello,,3h\n".encode(),
    )  # fmt: skip

    assert (message["url"], message["body"]) == (HOOK, "hello")
    assert message["notBefore"] - message["createdAt"] == 3 * 3_600_000


def test_lines_are_plain_text_bodies(local: Qstash) -> None:
    messages = sent_by(local, "-", "--lines", "--to", HOOK, *LATER, stdin=b"one\n\n{two\n")

    assert [message["body"] for message in messages] == ["one", "{two"]
    assert "Content-Type" not in messages[0].get("header", {})


def test_a_queue_applies_to_all_records_and_a_dry_run_of_publish_is_a_record(local: Qstash) -> None:
    shown = local("publish", HOOK, "a=b", "--queue", "slow", "--dry-run", "-o", "jsonl")
    local("queue", "set", "slow", "--parallelism", "1")
    local("queue", "pause", "slow")

    [message] = sent_by(local, "-", stdin=shown.out.encode())
    [other] = sent_by(local, "-", "--to", HOOK, "--queue", "slow", stdin=b"{}")

    assert (message["queueName"], message["body"]) == ("slow", '{"a":"b"}')
    assert other["queueName"] == "slow"


def test_refused_records_are_reported_and_the_others_sent(local: Qstash, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    good = f'{{"destination":"{HOOK}","headers":{{"Upstash-Delay":"1d"}}}}'
    lines = [
        good,
        "{",
        '{"destination":"example.com"}',
        f'{{"destination":"{HOOK}","header":{{}}}}',
        f'{{"destination":"{HOOK}","headers":{{"Upstash-Retries":"many"}}}}',
        '{"destination":"no-such-group"}',
        '{"body":"x"}',
        "[1]",
        f'{{"destination":"{HOOK}","body":"\\ud800"}}',
        good,
    ]

    run = local(
        "batch", "-", "--rejects", str(rejects), "-o", "jsonl", stdin="\n".join(lines).encode()
    )

    assert run.code == 10
    output = [json.loads(line) for line in run.out.splitlines()]
    assert [line["line"] for line in output] == list(range(1, 11))
    assert {line["line"] for line in output if "messageId" in line} == {1, 10}
    kept = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [line["line"] for line in kept] == list(range(2, 10))
    assert [line["record"] for line in kept] == lines[1:9]
    assert kept[2]["error"] == "unknown field 'header'; did you mean 'headers'?"
    assert "many" in kept[3]["error"]
    assert "no-such-group" in kept[4]["error"]
    assert "8 of 10 records were refused" in run.err
    assert str(rejects) in run.err


def test_a_record_that_only_qstash_refuses_does_not_affect_others(local: Qstash) -> None:
    lines = [f'{{"destination":"{HOOK}","headers":{{"Upstash-Delay":"1d"}}}}'] * 9
    lines[4] = f'{{"destination":"{HOOK}","headers":{{"Upstash-Retries":"many"}}}}'

    run = local("batch", "-", "--no-check", stdin="\n".join(lines).encode())

    assert (run.code, run.json) == (10, {"sent": 8, "refused": 1})
    assert "warning: line 5: " in run.err


def test_strict_stops_at_the_first_refused_record(local: Qstash, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"id":1}\n{"id":2}\n{\n{"id":4}\n')
    argv = ("batch", str(path), "--to", HOOK, *LATER, "--strict", "--chunk-size", "1")

    stopped = local(*argv)
    path.write_text('{"id":1}\n{"id":2}\n{"id":3}\n{"id":4}\n')
    resumed = local(*argv, "--resume")

    assert stopped.code == 10
    assert "line 3: not JSON" in stopped.err
    assert "--resume continues" in stopped.err
    assert resumed.code == 0, resumed
    assert resumed.json["sentBefore"] == json.loads(stopped.out)["sent"] >= 1
    assert resumed.json["sent"] + resumed.json["sentBefore"] == 4


def test_a_dry_run_validates_everything_and_sends_nothing(local: Qstash, records: Path) -> None:
    with records.open("a") as file:
        file.write("{\n")
    argv = ("batch", str(records), "--to", HOOK, "--dry-run")

    text, as_json, items = local(*argv), local(*argv, "-o", "json"), local(*argv, "-o", "jsonl")

    for run in (text, as_json):
        assert run.code == 10
        assert "warning: line 5: not JSON" in run.err
        assert "note: 3 records are valid\n" in run.err
        assert "error: 1 of 4 records were refused\n" in run.err or run is as_json
    assert text.out.startswith("POST http://127.0.0.1")
    assert text.out.splitlines()[-1].startswith("# line 5: not JSON")
    assert len(json.loads(as_json.json["body"])) == 3
    first = json.loads(items.out.splitlines()[0])
    assert (first["destination"], first["body"]) == (HOOK, '{"id":1,"in":"2h"}')
    assert local("logs", "-o", "json").json == []
    assert [path.name for path in records.parent.iterdir()] == [records.name]


def test_curl_prints_a_line_for_each_request(local: Qstash, records: Path) -> None:
    run = local("batch", str(records), "--to", HOOK, "--curl", "--chunk-size", "2")

    assert run.code == 0
    assert [line.count("Upstash-Deduplication-Id") for line in run.out.splitlines()] == [2, 1]
    assert run.out.count("/v2/batch") == run.out.count("$QSTASH_TOKEN") == 2


def test_a_dry_run_considers_sent_records_and_writes_no_file(local: Qstash, records: Path) -> None:
    argv = ("batch", str(records), "--to", HOOK, *LATER)
    local(*argv)
    with records.open("a") as file:
        file.write('{"id":9}\n{\n')
    before = {one.name: one.read_bytes() for one in records.parent.iterdir()}
    rejects = str(records.with_name("rejects.jsonl"))

    shown = local(*argv, "--resume", "--rejects", rejects, "--dry-run", "-o", "json")

    assert {one.name: one.read_bytes() for one in records.parent.iterdir()} == before
    [item] = json.loads(shown.json["body"])
    assert item["body"] == '{"id":9}'
    assert "1 record is valid; 3 were sent before" in shown.err
    assert "a preview does not write the file of --rejects" in shown.err
    run = local(*argv, "--resume", "--rejects", rejects)
    assert run.json["sent"] == 1, run
    [sent] = local("logs", "--limit", "1", "-o", "json", "--query", "[].messageId").json
    assert local("message", "get", sent).json["body"] == '{"id":9}'


def test_an_unfinished_run_is_not_restarted_by_mistake(local: Qstash, records: Path) -> None:
    argv = ("batch", str(records), "--to", HOOK, *LATER)
    journal = Path(f"{records}.journal")
    assert local(*argv).code == 0
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:-1]))

    refused, resumed, anew = local(*argv), local(*argv, "--resume"), local(*argv)

    assert refused.code == 2
    assert "add --resume to continue it" in refused.err
    assert (resumed.code, resumed.json["sent"], resumed.json["sentBefore"]) == (0, 0, 3)
    assert (anew.code, anew.json) == (0, {"sent": 3, "refused": 0})


def test_resuming_a_finished_run_sends_only_added_lines(local: Qstash, records: Path) -> None:
    argv = ("batch", str(records), "--to", HOOK, *LATER, "--resume")
    first, again = local(*argv), local(*argv)
    with records.open("a") as file:
        file.write('{"id":4}\n')

    grown = local(*argv)

    assert [run.json["sent"] for run in (first, again, grown)] == [3, 0, 1]


@pytest.mark.parametrize("flags", [(), ("--journal", "{journal}")])
def test_a_named_pipe_is_read_once_and_to_its_end(
    local: Qstash, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    pipe, journal = tmp_path / "pipe", tmp_path / "journal"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=('{"id":1}\n{"id":2}\n',))
    writer.start()

    run = local(
        "batch", str(pipe), "--to", HOOK, *LATER, *(one.format(journal=journal) for one in flags)
    )

    writer.join()
    assert (run.code, run.json["sent"]) == (0, 2)
    assert [path.name for path in tmp_path.glob("*journal")] == (["journal"] if flags else [])


def test_a_pipe_is_not_resumed_without_the_journal_of_the_first_run(
    local: Qstash, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")

    run = local("batch", str(tmp_path / "pipe"), "--to", HOOK, "--resume")

    assert run.code == 2
    assert "--journal FILE" in run.err


def test_unacknowledged_records_are_sent_again_under_the_same_id(
    local: Qstash, records: Path
) -> None:
    argv = ("batch", str(records), "--to", HOOK, *LATER)
    first = local(*argv)
    journal = Path(f"{records}.journal")
    journal.write_text(journal.read_text().splitlines(keepends=True)[0])

    again = local(*argv)

    assert (first.code, again.code) == (0, 0)
    assert again.json == {"sent": 3, "refused": 0, "deduplicated": 3}


def test_an_unreachable_server_is_reported_at_once_and_leaves_no_journal(
    local: Qstash, records: Path
) -> None:
    argv = ("batch", str(records), "--to", HOOK, *LATER)

    run = local(*argv, "--api-url", "http://127.0.0.1:9", "--token", "t")
    mended = local(*argv)
    resumed = local(*argv, "--resume")

    assert run.code == 6
    assert "no server is listening at http://127.0.0.1:9" in run.err
    assert "--resume" not in run.err
    assert (mended.code, mended.json["sent"]) == (0, 3), mended
    assert (resumed.code, resumed.json["sent"]) == (0, 0), resumed


def test_an_invalid_token_ends_the_run(local: Qstash, records: Path) -> None:
    run = local("batch", str(records), "--to", HOOK, QSTASH_TOKEN="wrong")

    assert run.code == 3
    assert run.out == ""


def test_rate_is_that_of_the_flow_control_key_and_pace_that_of_sending(local: Qstash) -> None:
    [message] = sent_by(
        local, "-", "--to", HOOK, *LATER, "--flow-key", "k", "--rate", "7", stdin=b"{}"
    )
    paced = local("batch", "-", "--to", HOOK, *LATER, "--pace", "100/s", stdin=b"{}\n{}\n")

    assert (message["flowControlKey"], message["rate"]) == ("k", 7)
    assert paced.json["sent"] == 2


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("-", "--lines"), "--to DEST"),
        (("-", "--dedup-field", "id"), "--to DEST"),
        (("-", "--to", HOOK, "--destination-field", "x"), "--to and --destination-field"),
        (("-", "--to", HOOK, "--lines", "--delay-field", "x"), "no fields"),
        (("-", "--to", HOOK, "--lines", "--format", "csv"), "--lines and --format"),
        (("-", "--format", "xml"), "not a format of records"),
        (("-", "--rate", "fast"), "--rate: not a whole number"),
        (("-", "--rate", "100/s"), "`batch --pace 100/s` limits sending"),
        (("-", "--pace", "100"), "--pace: not a pace: '100'"),
        (("-", "--pace", "0/s"), "examples: 100/s, 600/m, 3600/h"),
        (("-", "--rate", "7"), "--flow-key"),
        (("-", "--resume"), "--journal FILE"),
        (("-", "--resume", "--no-journal"), "--resume and --no-journal"),
        (("-", "--to", "example.com"), "http:// or https://"),
        (("-", "--queue", "q", "--delay", "1m"), "cannot use --delay"),
        (("-", "--chunk-size", "0"), "--chunk-size"),
        (("/no/such/file.jsonl",), "no such file or directory"),
        (("-", "--rejects", "/no/such/dir/file"), "cannot write the rejects"),
        (("-", "--journal", "/no/such/dir/file"), "cannot write the journal"),
        (("",), "the name of the file is empty"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    local: Qstash, argv: tuple[str, ...], words: str
) -> None:
    run = local("batch", *argv, stdin=b"{}\n")

    assert run.code == 2, run
    assert words in run.err
    assert run.out == ""
    assert local("logs", "-o", "json").json == []


def test_after_an_interrupted_run_each_reject_is_listed_once(local: Qstash, tmp_path: Path) -> None:
    source, rejects = tmp_path / "records.jsonl", tmp_path / "rejects.jsonl"
    source.write_text('{"id":1}\n{\n{"id":3}\n[\n{"id":5}\n]\n')
    argv = ("batch", str(source), "--to", HOOK, *LATER, "--rejects", str(rejects))
    assert local(*argv, "--chunk-size", "2", "--in-flight", "1").code == 10
    journal = Path(f"{source}.journal")
    # Killed after the rejects of the second chunk were written, but before the journal.
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:2]))

    resumed = local(*argv, "--resume")

    assert (resumed.code, resumed.json["sentBefore"], resumed.json["refused"]) == (10, 1, 2)
    lines = [json.loads(line)["line"] for line in rejects.read_text().splitlines()]
    assert lines == [2, 4, 6]


def test_a_not_before_in_the_past_causes_one_warning_for_all_records(
    local: Qstash, tmp_path: Path
) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text("".join(f'{{"to":"https://h{n}.example.com/"}}\n' for n in range(5)))

    run = local(
        "batch",
        str(file),
        "--destination-field",
        "to",
        "--not-before",
        "2020-01-01T00:00:00Z",
        "--dry-run",
    )

    assert run.code == 0, run
    assert run.err.count("--not-before has passed") == 1, run
