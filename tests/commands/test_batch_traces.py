"""`qstash batch --trace`: each record has a trace context of its own."""

from __future__ import annotations

import json

import pytest

from qstash_cli.protocol.traceparent import TraceContext, parse
from tests.commands.test_batch import HOOK, LATER, sent_by
from tests.in_process import Qstash

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
BODIES = b'{"id":1}\n{"id":2}\n{"id":3}\n'


def contexts(local: Qstash, *flags: str) -> list[TraceContext]:
    found = []
    for message in sent_by(local, "-", "--to", HOOK, *flags, "--trace", *LATER, stdin=BODIES):
        (trace,), (state,) = message["header"]["Traceparent"], message["header"]["Tracestate"]
        context = parse(trace, state)
        assert context is not None
        found.append(context)
    return found


@pytest.mark.parametrize("flags", [(), ("--dedup-field", "id")])
def test_each_record_is_a_span_of_the_trace_in_the_environment(
    local: Qstash, flags: tuple[str, ...]
) -> None:
    local.env |= {"TRACEPARENT": f"00-{TRACE}-{PARENT}-01", "TRACESTATE": "vendor=1"}

    found = contexts(local, *flags)

    assert {(one.trace_id, one.parent_id) for one in found} == {(TRACE, PARENT)}
    assert len({one.span_id for one in found}) == 3
    assert {one.state[1] for one in found} == {"vendor=1"}


def test_each_record_is_a_trace_of_its_own_without_one_in_the_environment(local: Qstash) -> None:
    found = contexts(local)

    assert len({one.trace_id for one in found}) == 3
    assert {one.parent_id for one in found} == {""}


def test_a_record_with_a_trace_keeps_it(local: Qstash) -> None:
    given = f"00-{TRACE}-{PARENT}-01"
    item = {"destination": HOOK, "headers": {"upstash-forward-traceparent": given}}

    [message] = sent_by(local, "-", "--trace", *LATER, stdin=json.dumps(item).encode())

    header = {name.lower(): values for name, values in message["header"].items()}
    assert header["traceparent"] == [given]
    assert "tracestate" not in header


def test_a_trace_of_records_and_a_header_with_a_trace_are_refused(local: Qstash) -> None:
    run = local("batch", "-", "--to", HOOK, "--trace", "-H", "traceparent: 00-x", stdin=BODIES)

    assert run.code == 2, run
    assert "error: --trace and the header traceparent cannot be combined" in run.err


def test_records_that_are_deduplicated_by_their_content_are_refused(local: Qstash) -> None:
    headers = {"Upstash-Content-Based-Deduplication": "true"}
    item = json.dumps({"destination": HOOK, "headers": headers}).encode()

    of_all = local("batch", "-", "--to", HOOK, "--trace", "--dedup-content", stdin=BODIES)
    of_one = local("batch", "-", "--trace", stdin=item)

    assert of_all.code == 2, of_all
    assert "--trace and --dedup-content cannot be combined" in of_all.err
    assert of_one.code != 0
    assert "a record that is deduplicated by its content cannot have a trace" in of_one.err
    assert local("logs", "-o", "json").json == []
