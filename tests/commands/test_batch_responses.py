"""`qstash batch` with a server whose responses are not QStash's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.in_process import Qstash
from tests.sink import Sink

HOOK = "https://example.com/hook"
GOOD = [{"messageId": "msg_1"}, {"messageId": "msg_2"}]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["messageId", "error", "line"]), inner, max_size=3)
    ),
    max_leaves=5,
)
WRONG_ITEMS = st.one_of(
    st.just({}), st.just([]), st.just([{}]), st.just({"messageId": None}), st.just("msg_1"),
    st.fixed_dictionaries({"messageId": st.integers() | st.lists(st.text(max_size=2), max_size=2)}),
    st.fixed_dictionaries({"error": st.none() | st.integers()}),
)  # fmt: skip
WRONG = (
    st.tuples(st.just(GOOD[0]), WRONG_ITEMS)
    | st.tuples(WRONG_ITEMS, st.just(GOOD[1]))
    | VALUES.filter(lambda value: not isinstance(value, list) or len(value) != 2)
)


@pytest.fixture
def api(qstash: Qstash, sink: Sink) -> Qstash:
    """`qstash` with the sink as its API server."""
    qstash.env |= {"QSTASH_URL": sink.url, "QSTASH_TOKEN": "token"}
    return qstash


def ids_of(body: bytes) -> list[str]:
    return [item["headers"]["Upstash-Deduplication-Id"] for item in json.loads(body)]


# Each example has its own journal.
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(response=WRONG)
def test_records_without_an_acknowledgement_are_sent_again_under_the_same_ids(
    api: Qstash, sink: Sink, tmp_path: Path, response: Any
) -> None:
    source, journal = tmp_path / "records.jsonl", tmp_path / "records.jsonl.journal"
    journal.unlink(missing_ok=True)
    source.write_text('{"id":1}\n{"id":2}\n')
    sink.received.clear()
    sink.body = json.dumps(response).encode()

    wrong = api("batch", str(source), "--to", HOOK)
    noted = journal.read_text()
    sink.body = json.dumps(GOOD).encode()
    resumed = api("batch", str(source), "--to", HOOK, "--resume")

    assert wrong.code == 1, wrong
    assert "lines 1 to 2 may or may not have been sent" in wrong.err
    assert "--resume sends them again under the same ids" in wrong.err
    assert "done" not in noted
    assert (resumed.code, resumed.json) == (0, {"sent": 2, "refused": 0}), resumed
    first, second = (ids_of(request.body) for request in sink.received)
    assert first == second


@pytest.mark.parametrize("flags", [(), ("-o", "jsonl")])
def test_without_a_journal_nothing_is_promised_about_records_in_doubt(
    api: Qstash, sink: Sink, flags: tuple[str, ...]
) -> None:
    sink.body = b"[{}]"

    run = api("batch", "-", "--to", HOOK, *flags, stdin=b"{}\n")

    assert run.code == 1, run
    assert "has no messageId for line 1; line 1 may or may not have been sent" in run.err
    assert "there is no journal" in run.err
    assert "messageId" not in run.out


def test_fields_of_a_response_do_not_replace_line_and_destination(api: Qstash, sink: Sink) -> None:
    sink.body = json.dumps(
        [{"messageId": "a", "line": "x", "destination": None}, {"error": "no"}]
    ).encode()

    run = api("batch", "-", "--to", HOOK, "-o", "jsonl", stdin=b"{}\n{}\n")

    assert [json.loads(line) for line in run.out.splitlines()] == [
        {"line": 1, "destination": HOOK, "messageId": "a"}, {"line": 2, "error": "no"},
    ]  # fmt: skip
    assert run.code == 10
