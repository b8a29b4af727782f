"""`--query` in every format."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from qstash_cli.errors import BadInput
from qstash_cli.output.result import Column, Result, View
from qstash_cli.output.terminal import TerminalInfo

VIEW = View(
    columns=(Column(name="id", of="messageId"),),
    id="messageId",
    noun=("message", "messages"),
)
RECORDS: list[dict[str, Any]] = [
    {"messageId": "msg_1", "url": "https://a.example", "n": 1, "body": "two\nlines\\", "x": None},
    {"messageId": "msg_2", "url": "https://b.example", "n": 2, "body": "a\tb", "x": True},
]
SEVERAL = Result(data=RECORDS, view=VIEW)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("[0].messageId", "msg_1\n"),
        ("[0].body", "two\nlines\\\n"),
        ("length(@)", "2\n"),
        ("[1].x", "true\n"),
        ("[0].x", "\n"),
        ("[].messageId", "msg_1\nmsg_2\n"),
        ("[].body", "two\\nlines\\\\\na\\tb\n"),
        ("[].[x]", "\ntrue\n"),
        ("[].[messageId, n]", "msg_1\t1\nmsg_2\t2\n"),
        ("[].{n: n, id: messageId}", "1\tmsg_1\n2\tmsg_2\n"),
        ("[0].{n: n, id: messageId}", "1\tmsg_1\n"),
        ("[?n > `5`]", ""),
    ],
)
def test_text_is_the_value_itself(
    query: str, text: str, pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    assert rendered(SEVERAL, pipe, query=query, format="text") == text


def test_text_on_a_terminal_is_escaped(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    result = SEVERAL._replace(data=[{"body": "a\x1b[2J\u202e"}])

    for query in ("[0].body", "[].body"):
        assert rendered(result, terminal, query=query, format="text") == "a\\x1b[2J\\u202e\n"


def test_text_without_a_query_is_tsv(pipe: TerminalInfo, rendered: Callable[..., str]) -> None:
    assert rendered(SEVERAL, pipe, format="text") == rendered(SEVERAL, pipe, format="tsv")


def test_the_fields_of_objects_are_columns(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    query = "[].{id: messageId, n: n}"

    assert rendered(SEVERAL, pipe, query=query, format="csv") == "id,n\nmsg_1,1\nmsg_2,2\n"
    assert rendered(SEVERAL, pipe, query=query, format="tsv") == "msg_1\t1\nmsg_2\t2\n"
    assert rendered(SEVERAL, pipe, query=query, format="table").split() == [
        "ID", "N", "msg_1", "1", "msg_2", "2",
    ]  # fmt: skip


def test_lists_and_values_have_columns_too(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    lists = rendered(SEVERAL, pipe, query="[].[messageId, n]", format="csv")
    values = rendered(SEVERAL, pipe, query="[].messageId", format="csv")

    assert lists == "column1,column2\nmsg_1,1\nmsg_2,2\n"
    assert values == "value\nmsg_1\nmsg_2\n"


def test_one_object_is_a_list_of_fields_in_a_table(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(SEVERAL, terminal, query="[0].{id: messageId, n: n}", format="table")

    assert written == "ID  msg_1\nN   1\n"


def test_a_query_without_a_result_says_so_in_a_table(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    for query in ("missing", "[?n > `5`]"):
        written = rendered(SEVERAL, terminal, query=query, format="table")
        assert written == "the query found nothing\n"


@pytest.mark.parametrize("query", ["[].messageId", "[]", "[].{messageId: messageId, n: n}"])
def test_ids_are_values_or_those_of_the_objects(
    query: str, pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    assert rendered(SEVERAL, pipe, query=query, format="ids") == "msg_1\nmsg_2\n"


def test_a_query_whose_result_has_no_ids_is_refused_with_ids(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    with pytest.raises(BadInput, match="no ids") as refusal:
        rendered(SEVERAL, pipe, query="[].{n: n}", format="ids")

    assert refusal.value.hint == "select them: --query '[].messageId'"


def test_an_id_made_of_several_fields_does_not_fail_without_them(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    result = SEVERAL._replace(view=VIEW._replace(id=lambda record: record["a"]["b"]))

    assert rendered(result, pipe, query="[].n", format="ids") == "1\n2\n"


def test_yaml_is_one_document(pipe: TerminalInfo, rendered: Callable[..., str]) -> None:
    assert rendered(SEVERAL, pipe, query="[].n", format="yaml") == "- 1\n- 2\n"
    assert rendered(SEVERAL, pipe, query="[0].messageId", format="yaml") == "msg_1\n"
    assert json.loads(rendered(SEVERAL, pipe, query="[].n", format="json")) == [1, 2]
