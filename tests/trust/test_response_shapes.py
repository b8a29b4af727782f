"""Every command reports the field of a response that is not as documented."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from qstash_cli.errors import ExitCode
from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.commands.api_server import ApiServer, api_server
from tests.every_command import ASKING, argv
from tests.figures import Figures
from tests.in_process import Qstash, Run
from tests.trust.hostile_api import responses
from tests.trust.wrong_shapes import WRONG_VALUES, Mutation, wrong_bodies, wrong_fields

CLASS = "response shapes"
_TO = "https://example.com/hook"
_DLQ_ID = "1725323658779-0"
COMMANDS: dict[str, tuple[str, ...]] = {
    **{name: argv(name) for name in ASKING if name not in {"api", "doctor"}},
    "publish --wait": ("publish", _TO, "a=1", "--wait", "--wait-timeout", "1s"),
    "publish to a URL group": ("publish", "team", "a=1"),
    "message cancel by id": ("message", "cancel", "msg_1", "msg_2"),
    "logs as ids": ("logs", "-q"),
    "logs as JSON": ("logs", "-o", "json"),
    "logs by message": ("logs", "--by-message"),
    "logs by message of a state": ("logs", "--by-message", "--state", "failed"),
    "logs --stats": ("logs", "--stats"),
    "dlq list as ids": ("dlq", "list", "-q"),
    "dlq list --fail-if-any": ("dlq", "list", "--fail-if-any"),
    "dlq retry by id": ("dlq", "retry", _DLQ_ID, "--wait", "--wait-timeout", "1s"),
    "dlq delete by id": ("dlq", "delete", _DLQ_ID),
    "workflow dlq resume by id": ("workflow", "dlq", "resume", _DLQ_ID),
    "workflow dlq restart by id": ("workflow", "dlq", "restart", _DLQ_ID, "1725323658779-1"),
    "workflow dlq delete by id": ("workflow", "dlq", "delete", _DLQ_ID),
    "queue wait --lag": ("queue", "wait", "orders", "--lag", "0", "--wait-timeout", "1s"),
    "schedule create for a URL group": ("schedule", "create", "team", "--cron", "@daily"),
    "replay of a message": ("replay", "msg_1", "--to", "http://127.0.0.1:9/"),
    "replay of matching entries": ("replay", "--all", "--to", "http://127.0.0.1:9/"),
    "check schedules": ("check", "--schedules-failed-max", "0", "--schedule-late", "1h"),
    "check a queue": ("check", "--queue", "orders", "--lag-max", "1"),
    "keys rotate --probe": ("keys", "rotate", "--probe", "http://127.0.0.1:9/", "--yes"),
}
GOOD = dict(responses(
    "text", url=_TO, destination=_TO, state="DELIVERED", method="POST", cron="@daily",
    current=DEV_USER.current_signing_key, next=DEV_USER.next_signing_key, name="orders",
    time=1_725_323_658_779, bodyBase64="", responseBodyBase64="", processed=3, total=3,
)) | {
    ("POST", "/console/api/clock"): (
        200, {"time": 1_725_323_658_779, "speed": 1.0, "clock": "running"}
    ),
    ("POST", "/console/api/snapshot/save"): (200, {"snapshot": "AAAA"}),
}  # fmt: skip


@pytest.fixture
def cli(qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Qstash:
    """`qstash` with all input files, and without real sleeps."""
    (tmp_path / "qstash.toml").write_text(
        '[queues.orders]\n[schedules.text]\ndestination="team"\ncron="@daily"\n'
        '[flow.api]\nrate=5\n[urlgroups.team]\nendpoints=["https://example.com/a"]\n'
    )
    (tmp_path / "messages.jsonl").write_text(json.dumps({"destination": _TO, "body": "one"}))
    monkeypatch.chdir(tmp_path)
    qstash.hurry(lambda: 1_725_400_000.0)
    qstash.env |= {"QSTASH_TOKEN": DEV_USER.token, "XDG_CACHE_HOME": str(qstash.home),
                   "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key}  # fmt: skip
    return qstash


# The fields that commands require, by endpoint, independent of `records.py`.
NEEDED: dict[tuple[str, str], set[str]] = {
    ("POST", "/v2/publish"): {"messageId"}, ("POST", "/v2/enqueue"): {"messageId"},
    ("POST", "/v2/dlq/retry/"): {"messageId"}, ("POST", "/v2/dlq/retry"): {"responses"},
    ("POST", "/v2/schedules/"): {"scheduleId"}, ("POST", "/v2/keys"): {"current", "next"},
    ("GET", "/v2/keys"): {"current", "next"},
    ("GET", "/v2/logs"): {"logs", "messageId", "state", "time"},
    ("GET", "/v2/dlq"): {"messages", "dlqId", "messageId", "url"},
    ("GET", "/v2/dlq/"): {"messageId", "url"}, ("GET", "/v2/messages/"): {"messageId", "url"},
    ("GET", "/v2/workflows/events"): {
        "runs", "workflowRunId", "workflowUrl", "workflowState", "workflowRunCreatedAt", "steps",
    },
    ("DELETE", "/v2/workflows/runs"): {"cancelled"},
    ("GET", "/v2/workflows/dlq"): {
        "messages", "dlqId", "messageId", "url", "workflowRunId", "workflowUrl",
    },
    ("GET", "/v2/workflows/dlq/"): {"messageId", "url", "dlqId", "workflowRunId", "workflowUrl"},
    ("POST", "/v2/workflows/dlq/resume/"): {"workflowRunId"},
    ("POST", "/v2/workflows/dlq/restart/"): {"workflowRunId"},
    ("POST", "/v2/workflows/dlq/callback/"): {"workflowRunId"},
    ("POST", "/v2/workflows/dlq/resume"): {"workflowRuns", "workflowRunId"},
    ("POST", "/v2/workflows/dlq/restart"): {"workflowRuns", "workflowRunId"},
    ("DELETE", "/v2/workflows/dlq"): {"deleted"},
    ("GET", "/v2/bulkActions"): {"bulkActions", "actionId", "state", "total", "processed"},
    ("GET", "/v2/bulkActions/"): {"actionId", "state", "total", "processed"},
    ("GET", "/v2/schedules"): {"scheduleId", "cron", "destination"},
    ("GET", "/v2/schedules/"): {"scheduleId", "cron", "destination"},
    ("GET", "/v2/topics"): {"name", "endpoints", "url"},
    ("GET", "/v2/topics/"): {"name", "endpoints", "url"},
    ("GET", "/v2/queues"): {"name", "parallelism", "lag", "paused"},
    ("GET", "/v2/queues/"): {"name", "parallelism", "lag", "paused"},
    ("GET", "/v2/flowControl"): {"flowControlKey", "waitListSize"},
    ("GET", "/v2/flowControl/"): {"flowControlKey", "waitListSize"},
    ("DELETE", "/v2/messages"): {"cancelled"}, ("DELETE", "/v2/messages/"): {"cancelled"},
    ("DELETE", "/v2/dlq"): {"deleted"},
}  # fmt: skip


# The number of endpoints is used in a note after the schedule was created.
NOT_NEEDED = {("schedule create for a URL group", ("GET", "/v2/topics/"))}


def is_needed(key: tuple[str, str], mutation: Mutation) -> bool:
    """Whether commands require the mutated field."""
    needed = NEEDED.get(key, set())
    if not needed or (mutation.place[-3:-2] == ("endpoints",) and mutation.place[-1] == "name"):
        # Commands ignore the response, or the name of an endpoint, which is optional.
        return False
    if not mutation.place:
        # A list may be empty.
        return bool(needed) and (mutation.wrong, GOOD[key][1].__class__) != ("an empty array", list)
    *before, last = mutation.place
    is_entry = last == 0 and (not before or before[-1] in needed) and mutation.wrong != "missing"
    if not (last in needed or is_entry):
        return False
    good: Any = GOOD[key][1]
    for part in mutation.place:
        good = good[part]
    return not isinstance(WRONG_VALUES[mutation.wrong], type(good))


class Mutated(Mapping[tuple[str, str], tuple[int, Any]]):
    """The valid responses, except for one endpoint."""

    def __init__(self, key: tuple[str, str], body: bytes) -> None:
        self._key, self._body = key, body

    def __getitem__(self, key: tuple[str, str]) -> tuple[int, Any]:
        return (200, self._body) if key == self._key else GOOD[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(GOOD)

    def __len__(self) -> int:
        return len(GOOD)


def endpoints_of(api: ApiServer) -> list[tuple[str, str]]:
    """Returns the endpoints that were requested."""
    found = [
        next(key for key in GOOD if key[0] == method and path.startswith(key[1]))
        for method, path, _ in api.requests
    ]
    return list(dict.fromkeys(found))


def run(cli: Qstash, words: tuple[str, ...]) -> Run:
    Path("messages.jsonl.journal").unlink(missing_ok=True)
    return cli(*words, "--request-timeout", "30s")


def violation(done: Run, mutation: Mutation, *, needed: bool) -> str:
    """Returns the violated expectation of a run, or an empty string."""
    text = done.out + done.err
    named = (
        "unexpected response from",
        "expected JSON from",
        "not as documented",
        "names no message",
    )
    wrong = {
        "a defect": "Traceback" in text or "something unexpected" in text,
        "out of the table": done.code not in set(ExitCode),
        "no error": done.code not in {0, 9} and not done.err,
        "several errors": done.err.count("error: ") > 1,
        "success": needed and done.code in {0, 9},
        "another error": needed and not any(one in done.err for one in named),
    }
    found = [what for what, is_so in wrong.items() if is_so]
    return f"{', '.join(found)}: {mutation}: {done}" if found else ""


def mutations(content: Any, values: int) -> Iterator[Mutation]:
    yield from wrong_bodies()
    yield from wrong_fields(content, values=values)


@pytest.mark.parametrize("values", [1, pytest.param(15, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_response_causes_an_internal_error(
    cli: Qstash, figures: Figures, name: str, values: int
) -> None:
    cases, found = 0, []
    with api_server(responses=GOOD) as api:
        cli.env["QSTASH_URL"] = api.url
        good = run(cli, COMMANDS[name])
        assert "unexpected" not in good.err, good
        for key in endpoints_of(api):
            for mutation in mutations(GOOD[key][1], values):
                api.responses = Mutated(key, mutation.body)
                cases += 1
                done = run(cli, COMMANDS[name])
                needed = (name, key) not in NOT_NEEDED and is_needed(key, mutation)
                found.append(violation(done, mutation, needed=needed))
    found = [one for one in found if one]

    figures(CLASS, cases=cases, failures=len(found))
    assert not found, f"{len(found)} of {cases}\n" + "\n".join(found[:5])


LISTS: dict[str, tuple[tuple[str, str], str]] = {
    "logs": (("GET", "/v2/logs"), "logs"),
    "logs as JSON": (("GET", "/v2/logs"), "logs"),
    "logs by message": (("GET", "/v2/logs"), "logs"),
    "logs --stats": (("GET", "/v2/logs"), "logs"),
    "message wait": (("GET", "/v2/logs"), "logs"),
    "queue wait": (("GET", "/v2/logs"), "logs"),
    "dlq list": (("GET", "/v2/dlq"), "messages"),
    "dlq group": (("GET", "/v2/dlq"), "messages"),
    "replay of matching entries": (("GET", "/v2/dlq"), "messages"),
    "message actions": (("GET", "/v2/bulkActions"), "bulkActions"),
    "workflow dlq list": (("GET", "/v2/workflows/dlq"), "messages"),
}
# Beyond the entries that are fully validated.
FAR = 100


@pytest.mark.parametrize("values", [1, pytest.param(15, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", LISTS)
def test_a_late_entry_of_a_long_list_causes_no_internal_error(
    cli: Qstash, figures: Figures, name: str, values: int
) -> None:
    key, field = LISTS[name]
    words = COMMANDS[name]
    if name in {"logs", "logs as JSON", "dlq list", "message actions", "workflow dlq list"}:
        words = (*words, "--all")
    entry = GOOD[key][1][field][0]
    cases, found = 0, []
    with api_server(responses=GOOD) as api:
        cli.env["QSTASH_URL"] = api.url
        for mutation in wrong_fields(entry, values=values):
            entries = [*[entry] * FAR, json.loads(mutation.body)]
            api.responses = Mutated(key, json.dumps({field: entries}).encode())
            cases += 1
            needed = is_needed(key, Mutation((field, 0, *mutation.place), *mutation[1:]))
            found.append(violation(run(cli, words), mutation, needed=needed))
    found = [one for one in found if one]

    figures(CLASS, cases=cases, failures=len(found))
    assert not found, f"{len(found)} of {cases}\n" + "\n".join(found[:5])
