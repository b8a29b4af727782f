"""`qstash dlq retry --group` and `qstash dlq delete --group`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.commands.api_server import Response, api_server
from tests.in_process import Qstash
from tests.sink import Sink

COUNT = 25


@dataclass
class Dlq:
    """A dead letter queue. It processes requests until `failing_after` of them.

    It loses the response to request number `loses`, after it has processed it. The entry
    `gone_before_writes` is listed, but no longer there when a request for it arrives.
    """

    entries: dict[str, str] = field(
        default_factory=lambda: (
            {f"{n}-0": f"order {n} failed" for n in range(COUNT)} | {"99-0": "no route"}
        )
    )
    processed: list[str] = field(default_factory=list)
    writes: list[tuple[str, ...]] = field(default_factory=list)
    failing_after: int = 1_000
    loses: int | None = None
    gone_before_writes: str = ""

    def respond(self, method: str, path: str, token: str) -> Response:
        assert token
        if method == "GET":
            return 200, {"messages": [_entry(one, text) for one, text in self.entries.items()]}
        self.entries.pop(self.gone_before_writes, None)
        ids = tuple(parse_qs(urlsplit(path).query)["dlqIds"])
        if len(self.writes) >= self.failing_after:
            return 403, {"error": "no more"}
        self.writes.append(ids)
        known = [one for one in ids if one in self.entries]
        if method == "POST" and len(known) < len(ids):
            return 404, {"error": "some messages not found"}
        for one in known:
            del self.entries[one]
        self.processed += known
        if len(self.writes) == self.loses:
            return 503, {"error": "the response is lost"}
        if method == "DELETE":
            return 200, {"deleted": len(known)}
        return 201, {"cursor": "", "responses": [{"messageId": f"msg_{one}"} for one in known]}


def _entry(dlq_id: str, response: str) -> dict[str, Any]:
    return {
        "messageId": f"msg_of_{dlq_id}", "dlqId": dlq_id, "url": "https://example.com/a",
        "responseStatus": 503, "responseBody": response, "createdAt": 1_795_525_000_000,
    }  # fmt: skip


@pytest.fixture
def dlq(qstash: Qstash) -> Iterator[Dlq]:
    found = Dlq()
    qstash.hurry()
    with api_server(script=found.respond) as api:
        qstash.env |= {"QSTASH_URL": api.url, "QSTASH_TOKEN": DEV_USER.token}
        yield found


@pytest.fixture
def key(qstash: Qstash, dlq: Dlq) -> str:
    """The key of the larger group."""
    assert dlq.entries
    return str(qstash("dlq", "group", "-o", "ids").out.split()[0])


@pytest.fixture
def journals(qstash: Qstash) -> Callable[[], list[Path]]:
    return lambda: sorted((qstash.home / "journals").glob("*"))


def of_group() -> list[str]:
    return [f"{n}-0" for n in range(COUNT)]


@pytest.mark.parametrize("digits", [4, 8, 16])
def test_the_entries_of_a_group_are_retried_and_no_others(
    qstash: Qstash, dlq: Dlq, key: str, digits: int, journals: Callable[[], list[Path]]
) -> None:
    run = qstash("dlq", "retry", "--group", key[:digits], "--yes")

    assert run.code == 0, run
    assert run.out.split() == [f"msg_{one}" for one in of_group()]
    assert dlq.processed == of_group()
    assert list(dlq.entries) == ["99-0"]
    assert journals() == []


def test_the_entries_of_a_group_are_deleted(qstash: Qstash, dlq: Dlq, key: str) -> None:
    run = qstash("dlq", "delete", "--group", key, "--yes", "--pace", "10/s")

    assert (run.code, run.out) == (0, f"{COUNT}\n"), run
    assert list(dlq.entries) == ["99-0"]
    assert [len(ids) for ids in dlq.writes] == [10, 10, 5]


def test_the_pace_limits_entries_per_second(qstash: Qstash, dlq: Dlq, key: str) -> None:
    began_at_s = 1_796_000_000.0
    qstash.hurry(clock=lambda: began_at_s)
    run = qstash("dlq", "retry", "--group", key, "--yes", "--pace", "10/s")

    assert run.code == 0
    assert [len(ids) for ids in dlq.writes] == [10, 10, 5]
    assert 2 <= qstash.now() - began_at_s < 3


@pytest.mark.parametrize("command", ["retry", "delete"])
def test_an_interrupted_run_resumes_and_processes_nothing_twice(
    qstash: Qstash, dlq: Dlq, key: str, command: str, journals: Callable[[], list[Path]]
) -> None:
    run = ("dlq", command, "--group", key, "--yes", "--pace", "10/s")
    dlq.failing_after = 1
    first = qstash(*run)
    dlq.failing_after = 1_000
    # Messages that failed again are in the same group, but not part of the run.
    dlq.entries["50-0"] = "order 50 failed"

    refused = qstash(*run)
    dry = qstash(*run, "--resume", "--dry-run", "-o", "json")
    left = [path.name for path in journals()]
    resumed = qstash(*run[:3], key[:5], *run[4:], "--resume")

    assert first.code == 10, first
    assert "10 entries were" in first.err
    assert "--resume continues" in first.err
    assert refused.code == 2
    assert "the previous run did not finish" in refused.err
    assert left == [f"dlq-{command}-{key}.journal", f"dlq-{command}-{key}.journal.ids"]
    assert len(dry.json) == 2
    assert resumed.code == 0, resumed
    assert dlq.processed == of_group()
    assert set(dlq.entries) == {"99-0", "50-0"}
    assert journals() == []
    assert qstash(*run, "--resume").code == 0
    assert dlq.processed == [*of_group(), "50-0"]


def test_a_run_does_not_find_the_journal_of_a_profile_whose_name_is_like_a_key(
    qstash: Qstash, dlq: Dlq, key: str, journals: Callable[[], list[Path]]
) -> None:
    url, token = qstash.env.pop("QSTASH_URL"), qstash.env.pop("QSTASH_TOKEN")
    qstash("config", "set", key[:4], "--api-url", url, "--token-stdin", stdin=token.encode())
    run = ("dlq", "retry", "--group", key[:4], "--yes", "--pace", "10/s")
    dlq.failing_after = 1
    first = qstash(*run, "--profile", key[:4])
    dlq.failing_after = 1_000

    other = qstash(*run, QSTASH_URL=url, QSTASH_TOKEN=token)

    assert first.code == 10, first
    assert len(journals()) == 2
    assert other.code == 0, other


def test_a_lost_response_retries_nothing_twice(qstash: Qstash, dlq: Dlq, key: str) -> None:
    dlq.loses = 2

    run = qstash("dlq", "retry", "--group", key, "--yes", "--pace", "10/s")

    assert dlq.processed == of_group()
    assert run.code == 10
    assert "15 of 25 entries were retried" in run.err
    assert "no longer in the dead letter queue" in run.err


def test_an_entry_that_is_gone_does_not_affect_the_others(
    qstash: Qstash, dlq: Dlq, key: str
) -> None:
    dlq.gone_before_writes = "7-0"

    run = qstash("dlq", "retry", "--group", key, "--yes")

    assert (run.code, sorted(dlq.processed)) == (10, sorted(set(of_group()) - {"7-0"})), run
    assert "24 of 25 entries were retried" in run.err


@pytest.mark.parametrize("command", ["retry", "delete"])
def test_the_question_names_number_cause_and_account(
    qstash: Qstash, dlq: Dlq, key: str, command: str
) -> None:
    asked = qstash("dlq", command, "--group", key, tty=True, stdin=b"n\n", columns=200)
    unattended = qstash("dlq", command, "--group", key)

    assert asked.code == 130
    assert f"{command.capitalize()} 25 DLQ entries of group {key}" in asked.err
    assert "(status 503 from https://example.com/a: order <n> failed)" in asked.err
    assert "http://127.0.0.1" in asked.err
    assert unattended.code == 2
    assert "add --yes" in unattended.err
    assert dlq.processed == []


def test_a_key_must_name_one_group(qstash: Qstash, dlq: Dlq) -> None:
    # Two of these reasons have keys with the same first four digits.
    dlq.entries |= {f"{n}-1": f"cause {chr(97 + n % 26)}{'x' * (n // 26)}" for n in range(600)}
    keys = qstash("dlq", "group", "-o", "ids").out.split()
    starts = [one[:4] for one in keys]
    twice = next(one for one in starts if starts.count(one) > 1)

    unknown = qstash("dlq", "retry", "--group", "0000000000000000", "--yes")
    ambiguous = qstash("dlq", "retry", "--group", twice, "--yes")
    malformed = qstash("dlq", "retry", "--group", "1", "--yes")

    assert unknown.code == 4
    assert "no group with this key" in unknown.err
    assert ambiguous.code == 2
    assert all(one in ambiguous.err for one in keys if one.startswith(twice))
    assert malformed.code == 2
    assert "not the key of a group: '1'" in malformed.err
    assert dlq.processed == []


@pytest.mark.parametrize(
    "argv",
    [
        ("1-0", "--group", "abcd"),
        ("--all", "--group", "abcd"),
        ("--pace", "1/s", "--all"),
        ("--resume", "--label", "x"),
        ("--group", "abcd", "--resume", "--no-journal"),
        ("--group", "abcd", "--journal", "x", "--no-journal"),
    ],
)
def test_options_that_exclude_each_other_are_refused(
    qstash: Qstash, dlq: Dlq, argv: tuple[str, ...]
) -> None:
    assert qstash("dlq", "retry", "--yes", *argv).code == 2
    assert dlq.writes == []


def test_a_preview_lists_the_requests_and_keeps_no_journal(
    qstash: Qstash, dlq: Dlq, key: str, journals: Callable[[], list[Path]]
) -> None:
    run = qstash("dlq", "retry", "--group", key, "--pace", "10/s", "--dry-run", "-o", "json")

    assert run.code == 0
    assert len(run.json) == 3
    assert (dlq.writes, journals()) == ([], [])


def test_a_journal_can_be_a_named_file(qstash: Qstash, dlq: Dlq, key: str, tmp_path: Path) -> None:
    journal = tmp_path / "run.journal"
    run = ("dlq", "retry", "--group", key, "--yes", "--pace", "5/s", "--journal", str(journal))
    dlq.failing_after = 2

    first = qstash(*run)
    dlq.failing_after = 1_000
    second = qstash(*run, "--resume")

    assert (first.code, second.code) == (10, 0)
    assert dlq.processed == of_group()
    assert "finished" in journal.read_text()


def test_a_group_is_retried_on_the_embedded_server(
    local: Qstash, sink: Sink, undelivered: Callable[..., None]
) -> None:
    undelivered()
    undelivered()
    sink.statuses = [200]
    (key,) = local("dlq", "group", "-o", "ids").out.split()

    run = local("dlq", "retry", "--group", key, "--yes", "--wait", "--retries", "1")

    assert run.code == 0, run
    assert run.out.count("msg_") == 2
    assert local("dlq", "list").out == ""
