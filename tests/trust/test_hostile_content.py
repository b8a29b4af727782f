"""Texts of QStash, of endpoints and of their senders do nothing to a terminal, whichever command
shows them, and in no format do they become anything but a value.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstash_cli.errors import ExitCode
from qstash_cli.output.formats import FORMATS
from qstash_cli.output.safe import UNSAFE
from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.commands.api_server import api_server
from tests.conftest import Qstash, Run
from tests.every_command import ASKING, argv
from tests.figures import Figures
from tests.trust.hostile_api import HOSTILE, INVALID, WIDE, Answers, answers

OF = "hostile content"
# The colours and the bar that `qstash` draws itself.
_OWN = re.compile(r"\x1b\[([0-9;]*m|\?25[lh]|2K|1A)")
_INJECTED = re.compile(r"(?m)^\s*(::|error: owned)")
_URL = "https://example.com/a"
KINDS: dict[str, Answers] = {
    "every text": answers(HOSTILE),
    "texts that lead nowhere": answers(
        HOSTILE, url=_URL, destination=_URL, state="ERROR", method="POST", cron="@daily"
    ),
    "refusals": {key: (400, {"error": HOSTILE}) for key in answers("")},
    "refusals without JSON": {key: (500, INVALID) for key in answers("")},
    "unknown": {key: (404, {"error": HOSTILE}) for key in answers("")},
    "wrong token": {key: (401, {"error": HOSTILE}) for key in answers("")},
    "no JSON": {key: (200, INVALID) for key in answers("")},
}  # fmt: skip


@pytest.fixture
def asking(qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Qstash]:
    """`qstash` with all it reads, at a server that the tests name, and pauses that take no time."""
    (tmp_path / "qstash.toml").write_text("[queues.orders]\n[queues.mails]\n")
    (tmp_path / "messages.jsonl").write_text(json.dumps({"destination": _URL, "body": "one"}))
    monkeypatch.chdir(tmp_path)
    slept_s = 0.0

    def sleep(seconds: float) -> None:
        nonlocal slept_s
        slept_s += seconds

    began_at = 1_725_400_000.0
    qstash.now, qstash.sleep = (lambda: began_at + slept_s), sleep
    qstash.env |= {
        "QSTASH_TOKEN": DEV_USER.token,
        "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
        "XDG_CACHE_HOME": str(qstash.home),
    }
    return qstash


def complaint(done: Run, name: str | None = None) -> str:
    """What a terminal, or who reads the format, would make of it that it must not; or nothing."""
    out, err = _OWN.sub("", done.out), _OWN.sub("", done.err)
    wrong = {
        "out of the table": done.code not in set(ExitCode) | {2, 3},
        "obeyed on stdout": set(UNSAFE.findall(out)) - {"\n", "\t" if name == "tsv" else "\n"},
        "obeyed on stderr": set(UNSAFE.findall(err)) - {"\n", "\r"},
        "a carriage return": "\rCR" in err,
        "a line of its own": _INJECTED.search(err)
        or (name in {None, "table"} and _INJECTED.search(out)),
        "a traceback": "Traceback" in err,
    }
    found = [what for what, is_so in wrong.items() if is_so]
    return f"{', '.join(found)}: {done!r}" if found else ""


def tried(qstash: Qstash, name: str | None, *more: str, **env: str) -> list[str]:
    """The complaints about all commands in a format."""
    found = []
    for command in ASKING:
        Path("messages.jsonl.journal").unlink(missing_ok=True)
        words = (*argv(command), *(("-o", name) if name else ()), *more)
        done = qstash(*words, tty=True, **env)
        found.append(complaint(done, name))
        if name in {"json", "jsonl"} and done.out:
            parse(done.out, name)
    return [one for one in found if one]


def parse(text: str, name: str) -> None:
    """Raises `ValueError` for what no strict parser of JSON takes."""
    for part in text.splitlines() if name == "jsonl" else [text]:
        json.loads(part, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


@pytest.mark.parametrize("name", [None, *FORMATS])
@pytest.mark.parametrize("kind", KINDS)
def test_no_command_lets_a_terminal_obey(
    asking: Qstash, figures: Figures, kind: str, name: str | None
) -> None:
    with api_server(answers=KINDS[kind]) as api:
        asking.env["QSTASH_URL"] = api.url
        found = tried(asking, name, "--request-timeout", "5s")

    figures(OF, cases=len(ASKING), failures=len(found))
    assert not found
