"""The generated reference is current, and agrees with what the program does."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from docs.generate.manifest_schema import schema
from docs.generate.output_fields import data_names, views
from docs.generate.pages import DOCS, PAGES
from qstash_cli.errors import BadInput
from qstash_cli.manifest.resources import Manifest
from qstash_cli.manifest.schema import parse
from qstash_cli.manifest.tables import to_toml
from qstash_cli.manifest.validation import Validation
from qstash_cli.protocol.limits import PLANS
from tests.commands.manifests import SMALL
from tests.every_command import ASKING, OTHERS, argv
from tests.in_process import Qstash
from tests.manifest.strategies import manifests
from tests.manifest.test_schema import BASE, CASES

JUDGE = jsonschema.Draft202012Validator(schema())
# What only the parser can judge: values of other grammars, URLs, duplicates, and the environment.
BEYOND_A_SCHEMA = {
    "TOML", "a key twice", "a cron", "a zone", "two zones", "a scheme", "loopback",
    "a callback to loopback", "an empty label", "an expression", "base64", "a redacted body",
    "a redacted header", "an option as header", "an endpoint twice", "a name twice", "a variable",
    "no variable",
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(name: str) -> None:
    path = DOCS / name

    assert path.read_text(encoding="utf-8") == PAGES[name](), "run `python3 -m docs.generate`"


def test_the_schema_is_valid_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def read(text: str) -> Manifest | None:
    try:
        return parse(text.encode(), "qstash.toml", {"N": "5"}, Validation())
    except BadInput:
        return None


def is_valid(document: Any) -> bool:
    return JUDGE.is_valid(document)


ACCEPTED = {
    "every kind of resource": SMALL,
    "numbers and switches as text": "[queues.a]\nparallelism = ' 2 '\npaused = 'True'",
    "variables": "[queues.a]\nparallelism = '${N}'\n[flow.k]\nrate = '${N}'\nperiod = '1m'",
    "a method in lower case": BASE + "method = 'put'",
    "a callback as a URL": BASE + "callback = 'https://example.com'",
    "durations": BASE + "delay = 5\ntimeout = '1h30m'",
    "a limit": BASE + "flow_key = 'k'\nparallelism = 2",
    "a header twice": BASE + "headers = {X-A = ['1', '2']}",
    "several labels": BASE + "label = ['a', 'b,c']\nredact = 'body,header[X-A]'",
    "an empty table": "[queues]",
    "endpoints": "[urlgroups.a]\nendpoints = ['https://a.io', {url = 'https://b.io', name = 'x'}]",
}
REFUSED = {
    "an unknown type": BASE + "retries = 1.5",
    "a period of nothing": "[flow.k]\nrate = 1\nperiod = 0",
    "a date": BASE + "delay = 2026-01-01",
    "a key without limits": BASE + "flow_key = 'k'",
    "a queue's name": BASE + "queue = 'a b'",
    "an endpoint without url": "[urlgroups.a]\nendpoints = [{name = 'x'}]",
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=list(ACCEPTED))
def test_the_schema_accepts_what_the_parser_accepts(text: str) -> None:
    assert read(text) is not None
    assert is_valid(tomllib.loads(text)), [
        e.message for e in JUDGE.iter_errors(tomllib.loads(text))
    ]


@pytest.mark.parametrize("text", REFUSED.values(), ids=list(REFUSED))
def test_the_schema_refuses_what_the_parser_refuses(text: str) -> None:
    assert read(text) is None
    assert not is_valid(tomllib.loads(text))


@pytest.mark.parametrize("name", sorted(set(CASES) - {"TOML", "a key twice"}))
def test_the_schema_refuses_the_problems_that_a_schema_can_express(name: str) -> None:
    assert is_valid(tomllib.loads(CASES[name][0])) == (name in BEYOND_A_SCHEMA)


@given(manifests())
@settings(max_examples=40, deadline=None)
def test_the_schema_accepts_every_exported_manifest(manifest: Manifest) -> None:
    document = tomllib.loads(to_toml(manifest))

    assert is_valid(document), [error.message for error in JUDGE.iter_errors(document)]


def test_the_manifests_in_the_documentation_are_valid() -> None:
    for page in (DOCS.parent / "README.md", *DOCS.rglob("*.md")):
        for block in page.read_text().split("```toml\n")[1:]:
            document = tomllib.loads(block.partition("```")[0])
            # The settings of an agent are TOML too.
            assert "mcp_servers" in document or not document or is_valid(document), page


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.name)
def test_flags_are_code(page: Path) -> None:
    """Site generators turn the two hyphens of a flag in prose into a dash."""
    text = re.sub(r"```.*?```|`[^`]*`|<!--.*?-->", "", page.read_text(), flags=re.DOTALL)

    assert re.findall(r"(?<![\w-])--[a-z][\w*-]*", text) == []


FIXED = dict(views())


def test_the_columns_are_those_of_csv(
    local: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs every command that has something to print, and compares the header of its CSV."""
    monkeypatch.chdir(tmp_path)
    _make_something_of_everything(local, tmp_path)
    compared = set()
    for name in (one for one in ASKING | OTHERS if one in FIXED):
        out = local(*argv(name), "-o", "csv").out
        header = next(csv.reader(io.StringIO(out)), None)
        if header:
            assert header == data_names(FIXED[name]), name
            compared.add(name)

    assert {"logs", "dlq list", "queue list", "schedule list", "plan", "apply"} <= compared
    assert len(compared) >= 40, sorted(compared)


def _make_something_of_everything(local: Qstash, directory: Path) -> None:
    (directory / "qstash.toml").write_text("[queues.orders]\nparallelism = 3\n")
    (directory / "messages.jsonl").write_text('{"destination":"https://example.com","body":"x"}\n')
    for setup in (
        ("publish", "http://127.0.0.1:9/", "--retries", "0", "--wait"),
        ("publish", "https://example.com/", "--delay", "1h", "--flow-key", "api", "--rate", "1"),
        ("schedule", "create", "https://example.com/", "--cron", "@daily", "--id", "report"),
        ("urlgroup", "add", "team", "http://127.0.0.1:9/"),
        ("queue", "set", "orders"),
    ):
        local(*setup)


def test_the_page_of_limits_has_the_numbers_of_the_server() -> None:
    page = (DOCS / "limits.md").read_text()

    assert f"| Messages a day | {PLANS['free'].messages_per_day:,} |" in page
    for name, text in {"body_bytes": "1 MiB | 10 MiB | 50 MiB", "delay_s": "7d | 365d"}.items():
        assert text in page, name
