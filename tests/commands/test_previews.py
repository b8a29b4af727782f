"""A preview lists, in order, every request that the run would send, and sends no write."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests.commands.manifests import SMALL, proxy
from tests.every_command import ASKING
from tests.in_process import Qstash

# The random parts and the times in the requests of a run.
_RANDOM = re.compile(rb"\b(once|batch|msg|jwt|end)_[A-Za-z0-9]+|eyJ[\w.-]+|preview-\d+-")
_OF_THE_TRANSPORT = frozenset({
    "accept", "accept-encoding", "authorization", "connection", "content-length", "host",
    "user-agent",
})  # fmt: skip
_HOOK = "https://example.com/hook"


@dataclass(frozen=True)
class Sent:
    """A request as displayed or received, without its random parts."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class World:
    """An account with a resource of every kind. All requests to it are recorded."""

    qstash: Qstash
    api: LocalEndpoint
    names: dict[str, str] = field(default_factory=dict)

    def argv(self, *words: str) -> tuple[str, ...]:
        return tuple(word.format_map(self.names) for word in words)

    def writes(self) -> list[Sent]:
        """Returns the writes since the last call, without requests that only read."""
        found = [received(one) for one in self.api.received if one.method != "GET"]
        self.api.received.clear()
        return found


def received(request: Received) -> Sent:
    headers = {name.lower(): value for name, value in request.headers}
    return sent(request.method, request.path, headers, request.body)


def displayed(record: Mapping[str, Any]) -> Sent:
    parts = urlsplit(record["url"])
    target = record["url"].partition(parts.netloc)[2]
    headers = {name.lower(): value for name, value in record["headers"].items()}
    return sent(record["method"], target, headers, record.get("body", "").encode())


def sent(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Sent:
    own = {
        name: _RANDOM.sub(b"random", value.encode()).decode()
        for name, value in headers.items()
        if name not in _OF_THE_TRANSPORT
    }
    return Sent(method, target, own, _RANDOM.sub(b"random", body))


class Services(NamedTuple):
    """Servers shared by all tests: an API server behind a recording proxy, a sink and a handler."""

    api: LocalEndpoint
    sink: LocalEndpoint
    handler: LocalEndpoint


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    def ok(_request: Received) -> tuple[int, bytes]:
        return 200, b"ok"

    with (
        running_endpoint(ok) as sink,
        running_endpoint(ok) as handler,
        running_server(ServerConfig(port=0, routes=(("https://example.com", sink.url),))) as url,
        proxy(url, lambda _request: False) as api,
    ):
        # One record of both, to compare the order.
        handler.received = api.received
        yield Services(api, sink, handler)


@pytest.fixture
def world(
    qstash: Qstash, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "qstash.toml").write_text(SMALL)
    records = [{"destination": f"{_HOOK}/{n}", "body": str(n)} for n in range(5)]
    (tmp_path / "messages.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in records))
    qstash.env |= {
        "QSTASH_URL": services.api.url,
        "QSTASH_TOKEN": DEV_USER.token,
        "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
    }
    later = ("publish", _HOOK, "n=1", "--delay", "1d", "--label", "nightly")
    lost = ("publish", "http://127.0.0.1:9/", "--retries", "0", "--label", "lost", "--wait")
    for words in (
        # What the previous test has retried may not fail, and return to the DLQ, later.
        ("message", "cancel", "--all", "--yes"),
        ("workflow", "cancel", "--all", "--yes"),
        ("dlq", "delete", "--all", "--yes"),
        ("workflow", "dlq", "delete", "--all", "--yes"),
        ("schedule", "create", _HOOK, "--cron", "@daily", "--id", "report", "--replace"),
        ("urlgroup", "add", "team", f"{services.sink.url}/a", f"{services.sink.url}/b"),
        ("queue", "set", "orders", "--parallelism", "1"),
        ("flow", "pin", "api", "--rate", "5"),
        lost, lost, lost,
    ):  # fmt: skip
        qstash(*words)
    onboard = ("/v2/trigger/https://example.com/onboard", "-H", "Upstash-Delay: 1d", "-d", "{}")
    reported = ("-H", f"Upstash-Failure-Callback: {services.sink.url}", "-H", "Upstash-Retries: 0")
    failing = ("/v2/trigger/http://127.0.0.1:9/flow", *reported, "-d", "{}")
    for _ in range(2):
        run_id = json.loads(qstash("api", "POST", *failing).out)["workflowRunId"]
        qstash("workflow", "wait", run_id)
    names = {
        "run": json.loads(qstash("api", "POST", *onboard).out)["workflowRunId"],
        "sink": services.sink.url,
        "handler": services.handler.url,
        "sent": qstash("publish", services.sink.url, "--wait").out.strip(),
    }
    names |= {f"message{n}": qstash(*later).out.strip() for n in (1, 2)}
    entries = qstash("dlq", "list", "-q").out.split()
    names |= {f"entry{n}": one for n, one in enumerate(entries, start=1)}
    failed = qstash("workflow", "dlq", "list", "-q").out.split()
    names |= {f"failed{n}": one for n, one in enumerate(failed, start=1)}
    services.api.received.clear()
    return World(qstash, services.api, names)


WRITES: dict[str, Sequence[str]] = {
    "publish": ("publish", _HOOK, "a=1", "--delay", "1h"),
    "publish to a queue": ("publish", _HOOK, "a=1", "--queue", "orders"),
    "publish and wait": ("publish", "{sink}", "-d", "x", "--wait"),
    "batch": ("batch", "messages.jsonl", "--chunk-size", "2", "--in-flight", "1"),
    "message cancel": ("message", "cancel", "{message1}", "{message2}"),
    "message cancel by filter": ("message", "cancel", "--label", "nightly", "--yes"),
    "message run-now": ("message", "run-now", "{message1}", "{message2}"),
    "schedule create": ("schedule", "create", _HOOK, "--cron", "@hourly", "-d", "x"),
    "schedule create with an id": ("schedule", "create", _HOOK, "--cron", "@hourly", "--id", "x"),
    "schedule replace": (
        "schedule", "create", _HOOK, "--cron", "@hourly", "--id", "report", "--replace",
    ),
    "schedule create to a group": ("schedule", "create", "team", "--cron", "@hourly"),
    "schedule pause": ("schedule", "pause", "report"),
    "schedule resume": ("schedule", "resume", "report"),
    "schedule delete": ("schedule", "delete", "report", "--yes"),
    "schedule run": ("schedule", "run", "report"),
    "urlgroup add": ("urlgroup", "add", "team", f"{_HOOK}/c", f"{_HOOK}/d"),
    "urlgroup remove": ("urlgroup", "remove", "team", "{sink}/a"),
    "urlgroup headers": ("urlgroup", "headers", "team", "-H", "Upstash-Retries: 1"),
    "urlgroup delete": ("urlgroup", "delete", "team", "--yes"),
    "queue set": ("queue", "set", "orders", "--parallelism", "2"),
    "queue pause": ("queue", "pause", "orders"),
    "queue resume": ("queue", "resume", "orders"),
    "queue delete": ("queue", "delete", "orders", "--yes"),
    "flow pause": ("flow", "pause", "api"),
    "flow resume": ("flow", "resume", "api"),
    "flow pin": ("flow", "pin", "api", "--parallelism", "3"),
    "flow unpin": ("flow", "unpin", "api", "--rate"),
    "flow reset": ("flow", "reset", "api"),
    "dlq retry": ("dlq", "retry", "{entry1}", "{entry2}", "--retries", "1"),
    "dlq retry and wait": ("dlq", "retry", "{entry1}", "{entry2}", "--retries", "0", "--wait"),
    "dlq retry by filter": ("dlq", "retry", "--label", "lost", "--retries", "1", "--yes"),
    "dlq delete": ("dlq", "delete", "{entry1}", "{entry2}", "{entry3}"),
    "dlq delete by filter": ("dlq", "delete", "--label", "lost", "--yes"),
    "replay": ("replay", "{entry1}", "{entry2}", "--to", "{handler}/hook"),
    "replay by filter": ("replay", "--all", "--to", "{handler}/hook"),
    "workflow cancel": ("workflow", "cancel", "{run}"),
    "workflow cancel by URL": (
        "workflow", "cancel", "--url", "https://example.com/onboard", "--yes"
    ),
    "workflow dlq resume": ("workflow", "dlq", "resume", "{failed1}", "{failed2}"),
    "workflow dlq resume by filter": (
        "workflow", "dlq", "resume", "--url", "http://127.0.0.1:9/flow", "--retries", "1", "--yes"
    ),
    "workflow dlq restart": (
        "workflow", "dlq", "restart", "{failed1}", "--set-flow-key", "mail", "--rate", "5",
        "--set-label", "again",
    ),
    "workflow dlq restart by filter": ("workflow", "dlq", "restart", "--all", "--yes"),
    "workflow dlq delete": ("workflow", "dlq", "delete", "{failed1}"),
    "workflow dlq delete by filter": (
        "workflow", "dlq", "delete", "--caller-ip", "127.0.0.1", "--yes"
    ),
    "workflow dlq retry-callback": ("workflow", "dlq", "retry-callback", "{failed1}"),
    "workflow notify": ("workflow", "notify", "order 17", "--data", "x"),
    "keys rotate": ("keys", "rotate", "--yes"),
    "keys rotate with probes": (
        "keys", "rotate", "--yes", "--probe", "{handler}/a", "--probe", "{handler}/b",
    ),
    "apply": ("apply", "--yes"),
    "apply with deletions": ("apply", "--prune", "--yes"),
    "api": ("api", "POST", "/v2/queues", "--data-json", '{{"queueName":"x"}}'),
}  # fmt: skip
READS: dict[str, Sequence[str]] = {
    "message get": ("message", "get", "{message1}"),
    "message show": ("message", "show", "{message1}"),
    "message wait": ("message", "wait", "{sent}"),
    "message actions": ("message", "actions", "--all"),
    "message action": ("message", "action", "bulk_1"),
    "logs": ("logs", "--label", "nightly"),
    "logs --all": ("logs", "--all"),
    "logs --stats": ("logs", "--stats"),
    "logs --by-message": ("logs", "--by-message", "--state", "failed"),
    "schedule list": ("schedule", "list"),
    "schedule get": ("schedule", "get", "report"),
    "urlgroup list": ("urlgroup", "list"),
    "urlgroup get": ("urlgroup", "get", "team"),
    "urlgroup check": ("urlgroup", "check", "team"),
    "queue list": ("queue", "list"),
    "queue get": ("queue", "get", "orders"),
    "queue wait": ("queue", "wait", "orders", "--idle"),
    "flow list": ("flow", "list"),
    "flow get": ("flow", "get", "api"),
    "flow global": ("flow", "global"),
    "workflow list": ("workflow", "list", "--state", "failed"),
    "workflow show": ("workflow", "show", "{run}"),
    "workflow wait": ("workflow", "wait", "{run}", "--wait-timeout", "1s"),
    "workflow dlq list": ("workflow", "dlq", "list", "--callback-state", "success"),
    "workflow dlq show": ("workflow", "dlq", "show", "{failed1}"),
    "dlq list": ("dlq", "list"),
    "dlq get": ("dlq", "get", "{entry1}"),
    "dlq group": ("dlq", "group"),
    "dlq export": ("dlq", "export"),
    "check": (
        "check", "--dlq-max", "0", "--flow", "nobody", "--waiting-max", "0", "--queue", "orders",
        "--lag-max", "1", "--schedule-late", "1h",
    ),
    "keys get": ("keys", "get"),
    "plan": ("plan",),
    "export": ("export",),
    "api": ("api", "GET", "/v2/logs?count=1"),
}  # fmt: skip


def preview_of(world: World, argv: Sequence[str]) -> list[Sent]:
    """Returns the output of a dry run, which sends no write and writes no file."""
    before = sorted(Path.cwd().iterdir())

    run = world.qstash(*(word for word in argv if word != "--yes"), "--dry-run", "-o", "json")

    assert run.code == 0, run
    assert world.writes() == []
    assert sorted(Path.cwd().iterdir()) == before
    return [displayed(one) for one in (run.json if isinstance(run.json, list) else [run.json])]


def test_every_command_that_calls_qstash_has_a_case() -> None:
    commands = [f"{' '.join(argv)} " for argv in (WRITES | READS).values()]
    for name in ASKING:
        # It only reads; the others are for a server of this machine.
        if name in {"doctor", "dev clock", "dev snapshot"}:
            continue
        assert any(one.startswith(f"{name} ") for one in commands), name


@pytest.mark.parametrize("name", WRITES)
def test_a_preview_lists_the_requests_that_the_run_sends(world: World, name: str) -> None:
    argv = world.argv(*WRITES[name])
    expected = preview_of(world, argv)
    script = world.qstash(*argv, "--curl")
    text = world.qstash(*argv, "--dry-run")
    assert world.writes() == []

    world.qstash(*argv)

    assert expected
    assert world.writes() == expected
    assert len(re.findall(r"^[A-Z]+ https?://", text.out, re.MULTILINE)) == len(expected)
    env = os.environ | {"QSTASH_TOKEN": world.qstash.env["QSTASH_TOKEN"]}
    subprocess.run(  # noqa: S603 - the script is for a shell
        ["/bin/sh", "-euc", script.out], env=env, check=True, capture_output=True
    )
    assert world.writes() == expected


@pytest.mark.parametrize("name", READS)
def test_a_preview_of_a_read_lists_its_requests_and_sends_none(world: World, name: str) -> None:
    argv = world.argv(*READS[name])
    expected = [(one.method, one.target) for one in preview_of(world, argv)]
    assert world.api.received == []

    world.qstash(*argv)

    sent = iter([(one.method, one.path) for one in world.api.received])
    assert expected
    assert all(one in sent for one in expected)
    # A command that writes is in the other table, where its confirmation is tested.
    assert {one.method for one in world.api.received} <= {"GET", "HEAD"}


def test_a_preview_lists_every_part_of_a_long_list_of_ids(qstash: Qstash) -> None:
    ids = [f"{number}-0" for number in range(250)]

    run = qstash("dlq", "delete", *ids, "--dry-run", "-o", "json")

    assert [one["method"] for one in run.json] == ["DELETE"] * 3
    assert all(any(f"={one}&" in f"{r['url']}&" for r in run.json) for one in ids)


@pytest.mark.parametrize("flag", ["--dry-run", "--curl"])
def test_a_preview_says_which_requests_depend_on_responses(qstash: Qstash, flag: str) -> None:
    shown = qstash("dlq", "delete", "--all", flag)
    as_json = qstash("dlq", "delete", "--all", flag, "-o", "json")

    assert shown.out.endswith("# repeated while the response has a cursor\n")
    assert as_json.err == "note: repeated while the response has a cursor\n"
    assert as_json.json["method"] == "DELETE"


def test_the_error_names_a_read_that_the_preview_needs_but_cannot_send(qstash: Qstash) -> None:
    nowhere = partial(qstash, QSTASH_URL="http://127.0.0.1:9", QSTASH_TOKEN="t")
    run = ("schedule", "run", "report", "--dry-run")
    create = ("schedule", "create", _HOOK, "--cron", "@daily", "--id", "x", "--dry-run")

    without_token, without_server = qstash(*run), nowhere(*run)
    unchecked = nowhere(*create)

    assert (without_token.code, without_server.code) == (3, 6)
    for failed in (without_token, without_server):
        assert "error: cannot read /v2/schedules/report for the preview: " in failed.err
    assert unchecked.code == 0, unchecked
    assert unchecked.err.startswith("warning: cannot read /v2/schedules/x for the preview")
    assert unchecked.err.endswith("; cannot check whether the schedule x exists\n")
    assert unchecked.out.startswith("POST http://127.0.0.1:9/v2/schedules/")


@pytest.mark.parametrize("form", ["table", "tsv", "csv", "ids"])
def test_a_request_is_text_in_formats_that_have_no_columns_for_it(
    qstash: Qstash, form: str
) -> None:
    argv = ("queue", "list", "--dry-run")

    assert qstash(*argv, "-o", form).out == qstash(*argv).out != ""
    assert qstash(*argv, "--columns", "name,lag").out == qstash(*argv).out


def test_a_preview_writes_no_github_output(qstash: Qstash, tmp_path: Path) -> None:
    file = tmp_path / "output"

    run = qstash("publish", _HOOK, "--github-output", "id", "--dry-run", GITHUB_OUTPUT=str(file))

    assert run.code == 0, run
    assert not file.exists()
