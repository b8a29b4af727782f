"""Both spellings of a redacted header are accepted, and the SDKs' spelling is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.errors import BadInput
from qstash_cli.protocol.redaction import is_redacted, parse_fields
from tests.in_process import Qstash

_NAMES = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", fullmatch=True)
_FIELDS = st.one_of(
    st.just(("body", "body")),
    st.sampled_from([("header", "header"), ("headers", "header")]),
    _NAMES.map(lambda name: (f"header[{name}]", f"header[{name}]")),
    _NAMES.map(lambda name: (f"headers[{name}]", f"header[{name}]")),
)


@given(st.lists(_FIELDS, max_size=5), st.sampled_from([",", ", ", " ,"]))
def test_both_spellings_become_that_of_the_sdks(fields: list[tuple[str, str]], comma: str) -> None:
    written = comma.join(field for field, _ in fields)
    sent = tuple(field for _, field in fields)

    assert parse_fields(written) == sent
    assert parse_fields(",".join(sent)) == sent


@pytest.mark.parametrize(
    "text", ["nothing", "Body", "header[]", "header[a b]", "header[X", "headerss", "body[X]"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_fields(f"body,{text}")
    assert refused.value.hint == "use one of body, header, header[Name]"


@pytest.mark.parametrize("word", ["publish", "schedule create"])
def test_the_command_line_sends_the_spelling_of_the_sdks(qstash: Qstash, word: str) -> None:
    cron = () if word == "publish" else ("--cron", "@daily")
    run = qstash(
        *word.split(), "https://example.com/", *cron, "--redact", "headers,headers[X-A]",
        "--redact", "header,body", "--dry-run", QSTASH_TOKEN="t",
    )  # fmt: skip

    assert "Upstash-Redact-Fields: header,header[X-A],header,body\n" in run.out


def test_a_redacted_value_is_recognised() -> None:
    assert is_redacted(f"REDACTED:{'a' * 64}")
    assert not is_redacted("REDACTED:short")
