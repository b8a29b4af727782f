"""The command-line parser reads a line as Typer does, or leaves the line to Typer."""

from __future__ import annotations

import contextlib
from functools import cache

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from qstash_cli.cli import typer_app
from qstash_cli.cli.index import INDEX
from qstash_cli.cli.options import CliOption
from qstash_cli.cli.parser import ParsedCommand, read, wants_json, with_root_options_behind
from qstash_cli.errors import BadInput
from tests.in_process import Qstash

# Texts that are valid, or almost, for one of the commands.
TEXTS = (
    "https://example.com/a", "orders", "a=1", "b:=2", "-", "--", "", "10m", "a,b", "X-A: 1",
    "json", "-1", "3", "x", "--help", "-h", "--nope", "--data=", "--delay=1h", "--wait=1", "-dx",
    "-HX-B: 2", "-qv", "-ojson", "-o=json", "-pprod", "--delay-x", "--callback", "--json", "-q",
    "list", "get", "--a b", "ä", "---", "--=", "-=",
)  # fmt: skip
NAMED = list(INDEX.all_commands())


@cache
def app_of(name: str, called: tuple[str, ...]) -> typer.Typer:
    return typer_app.build(INDEX, {name}, called)


def typers_reading(name: str, argv: list[str]) -> ParsedCommand | None:
    """Returns the command and the texts that Typer parses, or None for help and usage errors."""
    with contextlib.suppress(BadInput):
        called = INDEX.group(name).select(argv).names
        parsed = typer_app.call_app(app_of(name, called), [name, *argv], f"qstash {name}")
        return parsed if isinstance(parsed, ParsedCommand) else None
    return None


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Generates the name of any command with texts, many of which are its own options."""
    full_name, command = draw(st.sampled_from(NAMED))
    name, *below = full_name.split()
    own = st.sampled_from([text for option in command.options for text in option.accepted_names])
    with_value = st.builds(lambda option, text: f"{option}={text}", own, st.sampled_from(TEXTS))
    texts = st.lists(st.one_of(own, st.sampled_from(TEXTS), with_value), max_size=6)
    if not below and draw(st.booleans()):
        # The name of a command without a name of its own is an argument.
        below = [command.name]
    return name, [*below, *draw(texts)]


@settings(max_examples=400, deadline=None)
@given(command_lines())
def test_the_parser_and_typer_agree_on_a_line(line: tuple[str, list[str]]) -> None:
    name, argv = line
    found = read(INDEX.group(name), argv)

    if found is not None:
        assert found == typers_reading(name, argv)


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("publish", ["https://example.com/a", "a=1", "-H", "X-A: 1", "--delay=1h", "--wait"]),
        ("publish", ["--", "https://example.com/a", "-d"]),
        ("message", ["cancel", "msg_1", "msg_2", "-y"]),
        ("logs", ["--label", "a", "--label", "b", "-ojson"]),
        ("verify", ["--signature", "a.b.c", "--body", "-", "--url", "https://example.com"]),
    ],
)
def test_usual_lines_are_parsed_without_typer(name: str, argv: list[str]) -> None:
    found = read(INDEX.group(name), argv)

    assert found is not None
    assert found == typers_reading(name, argv)


@pytest.mark.parametrize(
    "argv", [[], ["--help"], ["a", "--nope"], ["a", "--delay"], ["a", "--wait=1"], ["a", "-qv"]]
)
def test_help_and_usage_errors_are_left_to_typer(argv: list[str]) -> None:
    assert read(INDEX.group("publish"), argv) is None


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ("-p prod queue list", "queue list -p prod"),
        ("--profile=prod publish a x=1", "publish --profile=prod a x=1"),
        ("--dev -o json topic get team", "topic get --dev -o json team"),
        ("queue list -p prod", "queue list -p prod"),
        ("-p prod workflow dlq list --all", "workflow dlq list -p prod --all"),
        ("-p prod", "-p prod"),
        ("-p prod nope", "-p prod nope"),
        ("--nope queue list", "--nope queue list"),
        ("--help", "--help"),
        ("", ""),
    ],
)  # fmt: skip
def test_options_of_every_command_are_accepted_before_it(line: str, moved: str) -> None:
    assert with_root_options_behind(INDEX, line.split()) == moved.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("queue get a --nope -o json", True),
        ("queue nope --json", True),
        ("nope --output=jsonl", True),
        ("publish -d json -o table", False),
        ("publish -d -o json", False),
        ("publish -- -o json", False),
        ("queue get -o", False),
    ],
)
def test_an_invalid_line_says_whether_its_error_is_json(line: str, expected: bool) -> None:
    assert wants_json(INDEX, line.split()) == expected


# Former names of options

RENAMED = [
    (name, option, old)
    for name, command in INDEX.all_commands()
    for option in command.options
    for old in option.flag.old_names
]


def test_the_options_that_were_renamed() -> None:
    assert sorted((name, old, option.names[-1]) for name, option, old in RENAMED) == [
        ("listen", "--forward", "--to"),
        ("logs", "--forward-to", "--to"),
    ]


@pytest.mark.parametrize(("name", "option", "old"), RENAMED)
def test_a_former_name_is_read_like_the_new_one(name: str, option: CliOption, old: str) -> None:
    [group_name, *rest] = name.split()
    url = "http://127.0.0.1:3000/hook"

    found = read(INDEX.group(group_name), [*rest, old, url])

    assert found is not None
    assert found == read(INDEX.group(group_name), [*rest, option.names[-1], url])
    assert found == typers_reading(group_name, [*rest, f"{old}={url}"])


@pytest.mark.parametrize(("name", "option", "old"), RENAMED)
def test_a_former_name_is_absent_from_help_and_completion(
    qstash: Qstash, capsys: pytest.CaptureFixture[str], name: str, option: CliOption, old: str
) -> None:
    qstash(*name.split(), "--help")
    displayed = capsys.readouterr().out
    offered = qstash(_QSTASH_COMPLETE="bash", _QSTASH_LINE=f"qstash {name} {old[:4]}").out

    assert option.names[-1] in displayed
    assert f"{old} " not in displayed
    assert old not in offered
