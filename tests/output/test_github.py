"""Workflow commands of GitHub Actions are valid, whatever the texts contain."""

from __future__ import annotations

import re
from functools import partial
from itertools import takewhile
from operator import ne

from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.errors import QstashError
from qstash_cli.output.github import annotation, masks, named_output
from qstash_cli.output.safe import encodable, safe_text

_ESCAPES = {"%25": "%", "%0D": "\r", "%0A": "\n"}


def unescaped(text: str) -> str:
    return re.sub("%25|%0D|%0A", lambda found: _ESCAPES[found[0]], text)


# A JSON string may contain an unpaired surrogate.
ANY = st.lists(st.characters() | st.sampled_from(["\ud800", "\udfff"])).map("".join)


def read_by_the_runner(text: str) -> dict[str, str]:
    """Parses the outputs in a file by the rules of GitHub's runner."""
    outputs, lines = {}, iter(text.split("\n"))
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc and "=" not in name:
            outputs[name] = "\n".join(takewhile(partial(ne, delimiter), lines))
        elif line:
            name, _, outputs[name] = line.partition("=")
    return outputs


@given(st.lists(ANY.map(lambda text: text.replace("\n", ""))))
def test_every_value_reaches_the_runner(values: list[str]) -> None:
    text = named_output("id", values, "end_x") + named_output("next", ["1"], "end_y")

    found = read_by_the_runner(text.encode().decode())

    assert found == {"id": "\n".join(map(encodable, values)), "next": "1"}


@given(ANY, ANY)
def test_an_annotation_is_one_line_with_the_whole_error(message: str, hint: str) -> None:
    line = annotation(QstashError(message, hint=hint))

    head, _, text = line.removesuffix("\n").partition("::error title=qstash::")
    assert (head, "\n" in text, "\r" in text) == ("", False, False)
    reported = f"{safe_text(message)}\nhint: {safe_text(hint)}" if hint else safe_text(message)
    assert unescaped(text) == reported
    assert line.encode()


def test_each_secret_is_masked() -> None:
    assert masks(["sig_1", None, "", "a%b"]) == "::add-mask::sig_1\n::add-mask::a%25b\n"


def test_one_value_follows_the_name_and_several_are_between_delimiters() -> None:
    assert named_output("id", ["msg_1"], "end_x") == "id=msg_1\n"
    assert named_output("id", ["a", "b"], "end_x") == "id<<end_x\na\nb\nend_x\n"
    assert named_output("id", [], "end_x") == "id<<end_x\nend_x\n"
