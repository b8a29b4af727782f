"""Message options: encoding to headers, decoding, and errors."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.errors import BadInput
from qstash_cli.protocol import value_types
from qstash_cli.protocol.conflicts import raise_if_conflicting
from qstash_cli.protocol.option_headers import decode, encode
from qstash_cli.protocol.options import MessageOptions, Operation, table

NAMES = st.from_regex(r"[A-Z][a-z]{0,8}(-[A-Z][a-z]{0,8}){0,2}", fullmatch=True).filter(
    lambda name: not name.startswith("Upstash")
)
WORDS = st.from_regex(r"[a-z0-9._-]{1,12}", fullmatch=True)
VALUES: dict[int, st.SearchStrategy[Any]] = {
    id(value_types.TEXT): WORDS,
    id(value_types.NAME): WORDS,
    id(value_types.COUNT): st.integers(0, 10**9),
    id(value_types.POSITIVE): st.integers(1, 10**9),
    id(value_types.RATE): st.integers(1, 10**9),
    id(value_types.METHOD): st.sampled_from(value_types.METHODS),
    id(value_types.URL): WORDS.map(lambda word: f"https://{word}/x?y={word}"),
    id(value_types.SWITCH): st.booleans(),
    id(value_types.DURATION): st.integers(0, 10**7),
    id(value_types.PERIOD): st.integers(1, 7 * 86_400),
    id(value_types.EXPRESSION): st.sampled_from(["1000", "pow(2, retried) * 1000"]),
    id(value_types.DEDUPLICATION_ID): WORDS,
    id(value_types.LABELS): st.lists(WORDS, max_size=3).map(tuple),
    id(value_types.REDACT_FIELDS): st.lists(
        st.sampled_from(["body", "header", "header[X-A]"]), max_size=3
    ).map(tuple),
    id(value_types.INSTANT): st.integers(0, 10**10),
}
HEADERS = st.lists(st.tuples(NAMES, WORDS), max_size=3).map(tuple)


def options_strategy(*, callback: bool) -> st.SearchStrategy[MessageOptions]:
    own = {
        name: VALUES[id(option.kind)] | st.just(() if option.kind.repeats else None)
        for name, option in table()
        if (option.callback or not callback) and name != "header_forward"
    }
    if callback:
        return st.builds(MessageOptions, headers=HEADERS, **own)
    families = st.none() | options_strategy(callback=True).filter(lambda o: o != MessageOptions())
    return st.builds(
        MessageOptions, headers=HEADERS, on_callback=families, on_failure_callback=families, **own
    )


@given(options_strategy(callback=False))
def test_every_option_survives_a_round_trip_through_headers(options: MessageOptions) -> None:
    assert decode(encode(options)) == options


@given(options_strategy(callback=False))
def test_header_names_are_case_insensitive(options: MessageOptions) -> None:
    assert decode((name.lower(), value) for name, value in encode(options)) == options


def test_headers_are_encoded_as_qstash_documents_them() -> None:
    options = MessageOptions(
        method="PUT",
        delay_s=90,
        label=("a", "b"),
        flow_key="k",
        parallelism=3,
        rate=10,
        period_s=60,
        redact=("body", "header[X-A]"),
        callback="https://c.example",
        headers=(("Content-Type", "text/plain"), ("X-A", "1"), ("Upstash-Extra", "2")),
        on_callback=MessageOptions(retries=1, headers=(("Content-Type", "text/x"),)),
        on_failure_callback=MessageOptions(delay_s=5),
    )

    assert dict(encode(options)) == {
        "Upstash-Method": "PUT",
        "Upstash-Delay": "1m30s",
        "Upstash-Label": "a,b",
        "Upstash-Flow-Control-Key": "k",
        "Upstash-Flow-Control-Value": "parallelism=3, rate=10, period=1m",
        "Upstash-Redact-Fields": "body,header[X-A]",
        "Upstash-Callback": "https://c.example",
        "Content-Type": "text/plain",
        "Upstash-Forward-X-A": "1",
        "Upstash-Extra": "2",
        "Upstash-Callback-Retries": "1",
        "Upstash-Callback-Forward-Content-Type": "text/x",
        "Upstash-Failure-Callback-Delay": "5s",
    }


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Upstash-Retries", "many"),
        ("Upstash-Retries", "-1"),
        ("Upstash-Delay", "soon"),
        ("Upstash-Not-Before", "in 10m"),
        ("Upstash-Method", "BREW"),
        ("Upstash-Flow-Control-Value", "speed=3"),
        ("Upstash-Flow-Control-Value", "rate"),
        ("Upstash-Flow-Control-Value", "rate=0"),
        ("Upstash-Callback", "example.com"),
        ("Upstash-Callback-Retries", "x"),
        ("Upstash-Failure-Callback-Timeout", "x"),
        ("Upstash-Deduplication-Id", "a:b"),
        ("Upstash-Content-Based-Deduplication", "maybe"),
        ("Upstash-Redact-Fields", "url"),
        ("Upstash-Retry-Delay", "boom()"),
    ],
)
def test_the_error_names_the_invalid_header(header: str, value: str) -> None:
    with pytest.raises(BadInput, match=header):
        decode([(header.lower(), value)])


def test_headers_that_are_not_options_are_ignored() -> None:
    headers = [
        ("User-Agent", "x"),
        ("Authorization", "Bearer t"),
        ("Upstash-Telemetry-Sdk", "x"),
        ("Upstash-Callback-X-Mine", "x"),
        ("Upstash-Forward-", "x"),
    ]

    assert decode(headers) == MessageOptions()


def test_a_forwarded_content_type_wins() -> None:
    headers = [("Content-Type", "text/plain"), ("Upstash-Forward-content-type", "text/x")]

    assert decode(headers).headers == (("Content-Type", "text/x"),)


def test_header_forward_skips_the_headers_of_the_request_itself() -> None:
    headers = [
        ("Upstash-Header-Forward", "true"),
        ("Host", "q"),
        ("Authorization", "Bearer t"),
        ("Content-Length", "3"),
        ("Connection", "close"),
        ("x-mine", "1"),
        ("Upstash-Forward-X-Other", "2"),
    ]

    assert decode(headers).headers == (("X-Mine", "1"), ("X-Other", "2"))


@pytest.mark.parametrize(
    ("options", "operation", "words"),
    [
        (MessageOptions(delay_s=1), "enqueue", "--delay"),
        (MessageOptions(not_before_s=1), "enqueue", "--delay"),
        (MessageOptions(rate=1), "publish", "flow control key"),
        (MessageOptions(period_s=1), "publish", "flow control key"),
        (MessageOptions(flow_key="k"), "publish", "rate"),
    ],
)
def test_contradictions_are_refused(
    options: MessageOptions, operation: Operation, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        raise_if_conflicting(options, operation)


def test_valid_combinations_are_accepted() -> None:
    raise_if_conflicting(MessageOptions(delay_s=1), "publish")
    complete = MessageOptions(flow_key="k", rate=1, period_s=2)
    raise_if_conflicting(complete, "enqueue")

    assert replace(complete, rate=2).rate == 2
