from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from qstash_cli.protocol.traceparent import TraceContext, parse, start

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{SPAN}-01"


def zeros_then(value: int) -> list[bytes]:
    return [bytes(8), bytes([value]) * 8, bytes(16), bytes([value]) * 16]


def ones(size: int) -> bytes:
    return b"\x11" * size


@pytest.mark.parametrize(
    "text",
    ["", VALID.upper(), VALID + "-x", VALID[:-1], "ff" + VALID[2:], f"00-{'0' * 32}-{SPAN}-01",
     f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}-{SPAN}-0g", VALID + "\n", f"01-{TRACE}-{SPAN}-01x"],
)  # fmt: skip
def test_an_invalid_traceparent_is_discarded_and_starts_a_new_trace(text: str) -> None:
    assert parse(text) is None
    assert start(text, "a=b", ones).headers() == (
        ("Traceparent", f"00-{'11' * 16}-{'11' * 8}-01"),
        ("Tracestate", f"qstash={'11' * 8}"),
    )


def test_a_later_version_may_have_more_fields() -> None:
    assert parse(f"01-{TRACE}-{SPAN}-01-more") == TraceContext(TRACE, SPAN)


def test_a_child_keeps_the_trace_its_flags_and_the_state_of_others() -> None:
    child = start(f"00-{TRACE}-{SPAN}-00", "a=1, qstash=old,b@c=2", ones)

    assert child.headers() == (
        ("Traceparent", f"00-{TRACE}-{'11' * 8}-00"),
        ("Tracestate", f"qstash={'11' * 8}-{SPAN},a=1,b@c=2"),
    )
    assert child.is_ours
    assert child.parent_id == SPAN


@pytest.mark.parametrize(
    "state", ["A=1", "a", "a=1,a=2", "a=b=c", "=1", ",".join(f"k{i}=1" for i in range(33))]
)
def test_an_invalid_tracestate_is_discarded(state: str) -> None:
    assert parse(VALID, state) == TraceContext(TRACE, SPAN)


def test_ids_are_never_zero() -> None:
    values = iter(zeros_then(7))

    made = start("", "", lambda _size: next(values))

    assert (made.span_id, made.trace_id) == ("07" * 8, "07" * 16)


@given(
    random=st.binary(min_size=16, max_size=16).filter(lambda b: any(b[:8])), is_child=st.booleans()
)
def test_opentelemetry_reads_the_headers(random: bytes, *, is_child: bool) -> None:
    made = start(VALID if is_child else "", "a=1" if is_child else "", lambda size: random[:size])

    carrier = {name.lower(): value for name, value in made.headers()}
    read = get_current_span(TraceContextTextMapPropagator().extract(carrier)).get_span_context()

    assert (f"{read.trace_id:032x}", f"{read.span_id:016x}") == (made.trace_id, made.span_id)
    assert read.trace_state.to_header() == carrier["tracestate"]
