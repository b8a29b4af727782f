"""The choice of the output format, and the effect of its options."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from qstash_cli.errors import BadInput
from qstash_cli.output.formats import FORMATS, validate_output
from qstash_cli.output.result import Column, Result, View
from qstash_cli.output.terminal import TerminalInfo

VIEW = View(
    columns=(Column(name="id", of="messageId"), Column(name="url", of="url")),
    id="messageId",
    empty="no messages",
)
RECORDS: list[dict[str, Any]] = [
    {"messageId": "msg_1", "url": "https://a.example", "createdAt": 5, "strange": True},
    {"messageId": "msg_2", "url": "https://b.example"},
]
SEVERAL = Result(data=RECORDS, view=VIEW)
CREATED = Result(data=RECORDS[0], view=VIEW, on_terminal="json", piped="ids")


def test_the_result_decides_the_format_for_a_terminal_and_a_pipe(
    terminal: TerminalInfo, pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    assert json.loads(rendered(CREATED, terminal)) == RECORDS[0]
    assert rendered(CREATED, pipe) == "msg_1\n"


def test_text_is_unchanged_unless_another_format_is_requested(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    result = CREATED._replace(text="a\x1bb")

    assert rendered(result, pipe) == "a\x1bb\n"
    assert rendered(result._replace(text=""), pipe) == ""
    assert rendered(result._replace(text="a\n"), pipe, columns="id") == "a\n"
    assert rendered(result, pipe, format="ids") == "msg_1\n"
    assert rendered(result, pipe, query="url") == '"https://a.example"\n'


def test_text_is_escaped_on_a_terminal(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    assert rendered(CREATED._replace(text="a\x1b\n"), terminal) == "a\\x1b\n"


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_result_is_valid_in_every_format(
    name: str, pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(Result(data=[], view=VIEW), pipe, format=name)

    assert written == {"json": "[]\n", "yaml": "[]\n", "csv": "id,url\n"}.get(name, "")


def test_an_empty_table_is_reported_on_a_terminal(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    assert rendered(Result(data=[], view=VIEW), terminal) == "no messages\n"


def test_json_is_an_object_for_one_record_and_an_array_for_several(
    terminal: TerminalInfo, rendered: Callable[..., str]
) -> None:
    one = rendered(CREATED, terminal, format="json")
    several = rendered(SEVERAL, terminal, format="json")

    assert one == json.dumps(RECORDS[0], indent=2) + "\n"
    assert several == json.dumps(RECORDS, indent=2) + "\n"


def test_values_in_tsv_are_exact(pipe: TerminalInfo, rendered: Callable[..., str]) -> None:
    values = [1_795_525_689_000, True, None, ["a", "b"], {"k": ["v"]}, 0.5, "a\tb\\"]
    columns = tuple(Column(name=str(i), of=str(i), format="instant_ms") for i in range(len(values)))
    result = Result(
        data={str(i): value for i, value in enumerate(values)}, view=View(columns=columns, id="0")
    )

    assert rendered(result, pipe) == '1795525689000\ttrue\t\ta,b\t{"k":["v"]}\t0.5\ta\\tb\\\\\n'


def test_records_without_an_id_are_omitted_from_ids(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    data = [{"messageId": "msg_1"}, {"error": "no"}, {"messageId": ""}, {"messageId": "msg_2"}]

    assert rendered(Result(data=data, view=VIEW), pipe, format="ids") == "msg_1\nmsg_2\n"


def test_rows_of_a_record_are_separate_in_every_format_but_json(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    record = {"events": RECORDS}
    result = Result(data=record, view=VIEW._replace(rows=lambda r: r["events"]))

    assert rendered(result, pipe, format="ids") == "msg_1\nmsg_2\n"
    assert rendered(result, pipe, format="tsv").count("\n") == 2
    assert rendered(result, pipe, format="table").count("\n") == 3
    assert json.loads(rendered(result, pipe, format="json")) == record


@pytest.mark.parametrize("name", ["table", "tsv", "csv"])
def test_columns_of_the_view_and_fields_of_the_json_can_be_selected(
    name: str, pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(SEVERAL, pipe, format=name, columns="URL, createdAt,strange,messageId")

    first = [line.split() for line in written.replace(",", " ").splitlines() if "msg_1" in line]
    assert first == [["https://a.example", "5", "true", "msg_1"]]


def test_selected_columns_replace_a_list_of_ids(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    assert rendered(CREATED, pipe, columns="url,id") == "https://a.example\tmsg_1\n"


def test_the_error_for_an_unknown_column_lists_the_known_ones(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    with pytest.raises(BadInput, match="bogus") as before:
        validate_output("tsv", None, "id,bogus", VIEW)
    with pytest.raises(BadInput, match="bogus") as after:
        rendered(SEVERAL, pipe, columns="id,bogus")

    assert before.value.hint == "the columns are id, url"
    assert "strange" in after.value.hint


def test_a_documented_field_is_accepted_even_if_the_first_record_lacks_it(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    validate_output(None, None, "id,nextDeliveryTime", VIEW)

    assert rendered(SEVERAL, pipe, columns="id,nextDeliveryTime") == "msg_1\t\nmsg_2\t\n"


@pytest.mark.parametrize("field", ["nextDeliveryTime", "workflowRunCompletedAt"])
def test_documented_fields_of_messages_and_of_workflow_runs_are_columns(field: str) -> None:
    validate_output(None, None, f"id,{field}", VIEW)


def test_a_query_applies_to_all_records(pipe: TerminalInfo, rendered: Callable[..., str]) -> None:
    assert json.loads(rendered(SEVERAL, pipe, query="[].messageId")) == ["msg_1", "msg_2"]


def test_a_query_searches_lists_and_iterators(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    nested: Any = iter([[MappingProxyType({"messageId": "msg_1"})], RECORDS[1]])

    written = rendered(Result(data=nested, view=VIEW), pipe, query="[].messageId")

    assert json.loads(written) == ["msg_1", "msg_2"]


def test_a_view_without_columns_has_the_fields_of_the_first_record(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    raw = View(columns=(), id="messageId")

    written = rendered(Result(data=iter(RECORDS), view=raw), pipe, format="csv")

    assert written.splitlines()[:2] == [",".join(RECORDS[0]), "msg_1,https://a.example,5,true"]


def test_a_query_with_jsonl_applies_to_each_record(
    pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    written = rendered(SEVERAL, pipe, query="messageId", format="jsonl")

    assert written == '"msg_1"\n"msg_2"\n'


def test_a_query_does_not_apply_to_the_formats_of_a_single_command() -> None:
    with pytest.raises(BadInput, match="--query cannot be combined with -o nagios"):
        validate_output("nagios", "[]", None, VIEW._replace(forms=("nagios",)))


@pytest.mark.parametrize("query", ["[", "", "foo bar", "nofunction(@)", "length(`1`)"])
def test_the_error_names_an_invalid_query(
    query: str, pipe: TerminalInfo, rendered: Callable[..., str]
) -> None:
    with pytest.raises(BadInput, match="JMESPath") as refusal:
        rendered(SEVERAL, pipe, query=query)

    assert repr(query) in refusal.value.message


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("xml", None, None), "xml"),
        (("xml", "[]", None), "xml"),
        (("json", None, "id"), "--columns"),
        ((None, "[]", "id"), "--columns"),
        ((None, None, " , "), "--columns"),
        ((None, "[", None), "--query"),
    ],
)
def test_invalid_output_options_are_refused_before_anything_is_sent(
    options: tuple[str | None, str | None, str | None], named: str
) -> None:
    with pytest.raises(BadInput, match=named) as refusal:
        validate_output(*options, VIEW)

    assert refusal.value.hint


def test_the_error_for_an_unknown_format_lists_the_formats() -> None:
    with pytest.raises(BadInput) as refusal:
        validate_output("xml", None, None, None)

    assert refusal.value.hint == f"the formats are {', '.join(FORMATS)}"
