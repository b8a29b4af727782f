"""Text from QStash, endpoints and publishers never controls a terminal, whichever command displays
it, and stays a single value in every output format.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from rich.cells import cell_len

from qstash_cli.errors import ExitCode
from qstash_cli.output.formats import FORMATS
from qstash_cli.output.safe import UNSAFE
from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.commands.api_server import api_server
from tests.every_command import ASKING, argv
from tests.figures import Figures
from tests.in_process import Qstash, Run
from tests.sink import Sink
from tests.trust.hostile_api import HOSTILE, INVALID, WIDE, Responses, responses
from tests.trust.raw_server import Connection, raw_server

OF = "hostile content"
# The escape sequences that `qstash` itself writes.
_OWN = re.compile(r"\x1b\[([0-9;]*m|\?25[lh]|2K|1A)")
_INJECTED = re.compile(r"(?m)^(::|error: owned)")
_URL = "https://example.com/a"
KINDS: dict[str, Responses] = {
    "every text": responses(HOSTILE),
    "texts that lead nowhere": responses(
        HOSTILE, url=_URL, destination=_URL, state="ERROR", method="POST", cron="@daily"
    ),
    "refusals": {key: (400, {"error": HOSTILE}) for key in responses("")},
    "refusals without JSON": dict.fromkeys(responses(""), (500, INVALID)),
    "unknown": {key: (404, {"error": HOSTILE}) for key in responses("")},
    "wrong token": {key: (401, {"error": HOSTILE}) for key in responses("")},
    "no JSON": dict.fromkeys(responses(""), (200, INVALID)),
}  # fmt: skip


@pytest.fixture
def cli(qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Qstash:
    """`qstash` with all input files, and without real sleeps."""
    (tmp_path / "qstash.toml").write_text("[queues.orders]\n[queues.mails]\n")
    (tmp_path / "messages.jsonl").write_text(json.dumps({"destination": _URL, "body": "one"}))
    monkeypatch.chdir(tmp_path)
    qstash.hurry(lambda: 1_725_400_000.0)
    qstash.env |= {
        "QSTASH_TOKEN": DEV_USER.token,
        "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
        "XDG_CACHE_HOME": str(qstash.home),
    }
    return qstash


def violation(done: Run, name: str | None = None) -> str:
    """Returns how the output could be misinterpreted, or an empty string."""
    out, err = _OWN.sub("", done.out), _OWN.sub("", done.err)
    wrong = {
        "out of the table": done.code not in set(ExitCode) | {2, 3},
        "obeyed on stdout": set(re.findall(UNSAFE, out))
        - {"\n", "\t" if name in {"tsv", "text"} else "\n"},
        "obeyed on stderr": set(re.findall(UNSAFE, err)) - {"\n", "\r"},
        "a carriage return": "\rCR" in err,
        "a line of its own": _INJECTED.search(err)
        or (name in {None, "table"} and _INJECTED.search(out)),
        "a traceback": "Traceback" in err,
    }
    found = [what for what, is_so in wrong.items() if is_so]
    return f"{', '.join(found)}: {done!r}" if found else ""


def tried(qstash: Qstash, name: str | None, *more: str) -> list[str]:
    """Returns the violations of all commands in a format."""
    found = []
    for command in ASKING:
        Path("messages.jsonl.journal").unlink(missing_ok=True)
        words = (*argv(command), *(("-o", name) if name else ()), *more)
        done = qstash(*words, tty=True)
        found.append(violation(done, name))
        if name in {"json", "jsonl"} and done.out:
            parse(done.out, name)
    return [one for one in found if one]


def parse(text: str, name: str) -> None:
    """Raises `ValueError` if the text without its colours is not strict JSON."""
    text = _OWN.sub("", text)
    for part in text.splitlines() if name == "jsonl" else [text]:
        json.loads(part, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


# Formats differ only in how they print records; other results are covered by one format.
SHORT = [
    *(("every text", name) for name in (None, *FORMATS)),
    *((kind, None) for kind in ("texts that lead nowhere", "refusals", "no JSON")),
]
LONG = [(kind, name) for kind in KINDS for name in (None, *FORMATS) if (kind, name) not in SHORT]


@pytest.mark.parametrize(
    ("kind", "name"), [*SHORT, *(pytest.param(*one, marks=pytest.mark.soak) for one in LONG)]
)
def test_no_command_prints_terminal_escapes(
    cli: Qstash, figures: Figures, kind: str, name: str | None
) -> None:
    with api_server(responses=KINDS[kind]) as api:
        cli.env["QSTASH_URL"] = api.url
        found = tried(cli, name, "--request-timeout", "30s")

    figures(OF, cases=len(ASKING), failures=len(found))
    assert not found


@pytest.mark.parametrize("mode", ["--verbose", "--debug", "--curl", "GITHUB_ACTIONS"])
@pytest.mark.parametrize("kind", ["every text", pytest.param("refusals", marks=pytest.mark.soak)])
def test_traces_tracebacks_and_annotations_are_escaped(
    cli: Qstash, figures: Figures, kind: str, mode: str
) -> None:
    found = []
    with api_server(responses=KINDS[kind]) as api:
        cli.env |= {"QSTASH_URL": api.url} | ({} if mode[0] == "-" else {mode: "true"})
        for command in ASKING:
            Path("messages.jsonl.journal").unlink(missing_ok=True)
            flags = (mode,) if mode.startswith("-") else ()
            done = cli(*argv(command), *flags, tty=True)
            # The traceback was requested, and `qstash` itself writes one annotation.
            err = done.err.replace("Traceback", "").replace("::error title=qstash::", "")
            if mode == "GITHUB_ACTIONS":
                err = re.sub(r"(?m)^::add-mask::.*$", "", err)
            found.append(violation(replace(done, err=err)))
    found = [one for one in found if one]

    figures(OF, cases=len(ASKING), failures=len(found))
    assert not found


def test_headers_and_reason_phrases_are_escaped_in_traces(cli: Qstash, figures: Figures) -> None:
    def script(connection: Connection) -> None:
        connection.say(b"HTTP/1.1 400 \x9b2J\xff\r\nX-Evil: \x9b2J\x85\xe2\x80\xae\r\n")
        connection.say(b"Content-Length: 0\r\n\r\n")

    with raw_server(script) as server:
        cli.env["QSTASH_URL"] = server.url
        done = cli("logs", "-v", tty=True)

    figures(OF, cases=1)
    assert "< x-evil: " in done.err
    assert not violation(done)


@pytest.mark.parametrize("form", ["text", "prometheus", "nagios", "table", "tsv"])
def test_check_formats_contain_only_their_own_lines(
    cli: Qstash, figures: Figures, form: str
) -> None:
    found = []
    checks = ("--schedules-failed-max", "0", "--schedule-late", "1m", "--dlq-max", "0")
    with api_server(responses=responses(HOSTILE, nextScheduleTime=1)) as api:
        cli.env["QSTASH_URL"] = api.url
        for tty in (True, False):
            for name in ("orders", HOSTILE.replace("\0", "").replace("\ud800", "")):
                done = cli(
                    "check", *checks, "--flow", name, "--waiting-max", "0", "-o", form, tty=tty
                )
                found.append(violation(done, form))
                if form == "prometheus":
                    list(text_string_to_metric_families(done.out))
                if form == "nagios":
                    assert len(done.out.splitlines()) <= 1, done
    found = [one for one in found if one]

    figures(OF, cases=4, failures=len(found))
    assert not found


@pytest.mark.usefixtures("patient_completion")
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_prints_nothing_that_a_shell_would_interpret(
    cli: Qstash, figures: Figures, shell: str
) -> None:
    lines = [
        f"qstash {line} "
        for line in ("queue get", "schedule get", "urlgroup get", "flow get", "dlq get")
    ]
    with api_server(responses=responses("a\x1b[2J$(owned)`owned`")) as api:
        unsafe = _completed(cli, api.url, shell, lines)
    with api_server(responses=responses("$(owned)`owned`;'\"\\ *")) as api:
        # Values are cached for a minute by URL.
        quoted = _completed(cli, api.url, shell, lines)

    figures(OF, cases=2 * len(lines))
    for done in unsafe:
        assert not violation(done, "tsv")
        assert "owned" not in done.out
    for done in quoted if shell == "bash" else ():
        for value in done.out.splitlines()[1:]:
            assert shlex.split(value) == ["$(owned)`owned`;'\"\\ *"], done


def _completed(qstash: Qstash, url: str, shell: str, lines: list[str]) -> list[Run]:
    return [
        qstash(QSTASH_URL=url, _QSTASH_COMPLETE=shell, _QSTASH_LINE=line, tty=True)
        for line in lines
    ]


def test_responses_of_handlers_are_escaped(cli: Qstash, sink: Sink, figures: Figures) -> None:
    sink.body = INVALID
    sink.statuses = [500]
    found = []
    kept = {"url": _URL, "state": "ERROR", "method": "POST", "header": {}}
    with api_server(responses=responses("x\x1b[2J\n::owned", **kept)) as api:
        cli.env["QSTASH_URL"] = api.url
        for name in (None, *FORMATS):
            flags = ("-o", name) if name else ()
            done = cli("replay", "1725323658779-0", "--to", sink.url, *flags, tty=True)
            found.append(violation(done, name))
            assert done.code == ExitCode.NOT_DELIVERED, done
            if name == "json":
                parse(done.out, name)
            all_of_them = cli("replay", "--all", "--to", sink.url, *flags, tty=True)
            found.append(violation(all_of_them, name))
    found = [one for one in found if one]

    figures(OF, cases=12, failures=len(found))
    assert not found


@given(st.text(max_size=60))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_is_one_value_in_every_format(cli: Qstash, text: str) -> None:
    columns = "messageId,url,error"
    kept = {"state": "ERROR", "method": "POST"}
    with api_server(responses=responses(text or "x", **kept)) as api:
        cli.env["QSTASH_URL"] = api.url
        as_json = cli("dlq", "list", "-o", "json")
        as_csv = cli("logs", "-o", "csv", "--columns", columns)
        as_tsv = cli("logs", "-o", "tsv", "--columns", columns)
        on_terminal = cli("logs", tty=True)
        in_table = cli("queue", "list", tty=True, columns=200)

    parse(as_json.out, "json")
    assert as_json.json[0]["messageId"] == (text or "x")
    rows = list(csv.reader(io.StringIO(as_csv.out, newline="")))
    assert {len(row) for row in rows} == {3}, as_csv
    assert len(rows) == 3
    tsv_lines = as_tsv.out.removesuffix("\n").split("\n")
    assert [line.count("\t") for line in tsv_lines] == [2, 2], as_tsv
    assert not violation(on_terminal)
    # The columns of a row are aligned with those of the header, numbers to the right.
    header, row = _OWN.sub("", in_table.out).splitlines()[:2]
    assert _cells_to(header, "PARALLELISM") == _cells_to(row, "1725323658779")


def _cells_to(line: str, value: str) -> int:
    return cell_len(line[: line.index(f"  {value}") + 2 + len(value)])


@pytest.mark.parametrize("name", [None, "json"])
def test_a_million_columns_are_rendered_in_time(
    cli: Qstash, figures: Figures, name: str | None
) -> None:
    flags = ("-o", name) if name else ()
    commands = (
        ("logs",), ("dlq", "list"), ("dlq", "group"), ("dlq", "get", "1-0"), ("schedule", "list"),
        ("queue", "list"), ("urlgroup", "get", "team"), ("message", "get", "msg_1"),
    )  # fmt: skip
    began_at_s = time.process_time()
    with api_server(responses=responses(WIDE)) as api:
        cli.env["QSTASH_URL"] = api.url
        for command in commands:
            assert cli(*command, *flags, tty=True).code == ExitCode.DONE

    figures(OF, cases=len(commands))
    # It takes 10 s; quadratic work would take days.
    assert time.process_time() - began_at_s < 60


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "1e400", "9" * 400, "-0", "0.1e-400"])
def test_huge_numbers_are_rejected_by_name_or_displayed(
    cli: Qstash, figures: Figures, number: str
) -> None:
    log = {"messageId": "msg_1", "state": "ERROR", "time": 1, "responseStatus": "@"}
    queue = {"name": "orders", "lag": 1, "parallelism": 1, "paused": False, "updatedAt": "@"}
    key = {"flowControlKey": "k", "waitListSize": 1, "ratePeriod": "@"}
    found = []
    contents = {"/v2/logs": {"logs": [log]}, "/v2/queues": [queue], "/v2/flowControl": [key]}
    for is_documented in (True, False):
        # An undocumented field may have any type.
        names = (
            {} if is_documented else {"responseStatus": "x", "updatedAt": "x", "ratePeriod": "x"}
        )
        served = {
            ("GET", path): (200, _with_number(content, number, names))
            for path, content in contents.items()
        }
        with api_server(responses=served) as api:
            cli.env["QSTASH_URL"] = api.url
            for command in (("logs",), ("queue", "list"), ("flow", "list")):
                for name in (None, "json", "tsv", "csv"):
                    done = cli(*command, *(("-o", name) if name else ()), tty=True)
                    is_refused = is_documented and number != "-0"
                    code = ExitCode.FAILED if is_refused else ExitCode.DONE
                    is_named = "unexpected response from GET" in done.err
                    found.append("" if (done.code, is_named) == (code, is_refused) else str(done))
                    if name == "json" and not is_refused:
                        parse(done.out, name)
    found = [one for one in found if one]

    figures(OF, cases=24, failures=len(found))
    assert not found


def _with_number(content: object, number: str, renamed: dict[str, str]) -> bytes:
    text = json.dumps(content)
    for name, other in renamed.items():
        text = text.replace(f'"{name}"', f'"{other}"')
    return text.replace('"@"', number).encode()
