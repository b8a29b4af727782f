"""Completion values from QStash: requested quickly, cached for a minute, and errors are ignored."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.commands.api_server import ApiServer, api_server
from tests.in_process import Qstash, Run

QUEUE = {"name": "mails", "lag": 0, "parallelism": 1, "paused": False}
QUEUES = [{"name": "orders", "lag": 2, "parallelism": 3, "paused": True}, QUEUE]
RESPONSES = {("GET", "/v2/queues"): (200, QUEUES)}


def complete(qstash: Qstash, line: str, shell: str = "fish", **env: str) -> Run:
    asking = {"_QSTASH_COMPLETE": shell, "_QSTASH_LINE": line}
    variables: dict[str, Any] = {"XDG_CACHE_HOME": str(qstash.home / "cache")} | asking | env
    return qstash(**variables)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server(responses=RESPONSES) as running:
        yield running


@pytest.fixture
def asked(qstash: Qstash, api: ApiServer, patient_completion: None) -> Qstash:  # noqa: ARG001
    qstash.env |= {"QSTASH_URL": api.url, "QSTASH_TOKEN": "token-of-one"}
    return qstash


def test_values_have_descriptions(asked: Qstash) -> None:
    run = complete(asked, "qstash queue get o")

    assert (run.code, run.err) == (0, "")
    assert run.out == "values\norders\tlag 2, parallelism 3, paused\n"


def test_values_are_requested_once_and_cached_privately(asked: Qstash, api: ApiServer) -> None:
    first = complete(asked, "qstash queue get ")
    second = complete(asked, "qstash publish https://a --queue ")

    assert first.out == second.out
    assert len(api.requests) == 1
    (kept,) = (asked.home / "cache" / "qstash").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "token-of-one" not in kept.name + kept.read_text()


def test_another_token_gets_its_own_values(asked: Qstash, api: ApiServer) -> None:
    complete(asked, "qstash queue get ")
    complete(asked, "qstash queue get ", QSTASH_TOKEN="token-of-another")

    assert [token for _, _, token in api.requests] == [
        "Bearer token-of-one", "Bearer token-of-another"
    ]  # fmt: skip


def test_values_are_requested_again_after_a_minute(asked: Qstash, api: ApiServer) -> None:
    complete(asked, "qstash queue get ")
    in_a_minute = time.time() + 61
    later = replace(asked, now=lambda: in_a_minute).invocation(
        _QSTASH_COMPLETE="fish", _QSTASH_LINE="qstash queue get ",
        XDG_CACHE_HOME=str(asked.home / "cache"),
    )  # fmt: skip

    later.run()

    assert "orders" in later.out.getvalue()
    assert len(api.requests) == 2


@pytest.mark.usefixtures("patient_completion")
def test_preceding_options_select_the_account(
    qstash: Qstash, api: ApiServer, tmp_path: Path
) -> None:
    qstash.env |= {"QSTASH_URL": "http://127.0.0.1:9", "QSTASH_TOKEN": "x"}
    file = tmp_path / ".env"
    file.write_text(f"QSTASH_URL={api.url}\nQSTASH_TOKEN=of-the-file\n")
    qstash("config", "set", "team", "--api-url", api.url, "--token-command", "echo of-the-program")

    for flags in (f"--env-file {file}", "-p team", f"--token t --api-url {api.url}"):
        assert "orders" in complete(qstash, f"qstash queue get {flags} ").out

    tokens = {token for _, _, token in api.requests}
    assert tokens == {"Bearer of-the-file", "Bearer of-the-program", "Bearer t"}


@pytest.mark.usefixtures("patient_completion")
def test_a_token_command_does_not_run_if_values_are_cached(
    qstash: Qstash, api: ApiServer, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    command = f"sh -c 'echo x >> {runs}; echo token; echo noise >&2'"
    qstash("config", "set", "team", "--api-url", api.url, "--token-command", command)

    for _ in range(3):
        assert "orders" in complete(qstash, "qstash queue get ").out

    assert runs.read_text() == "x\n"


def test_a_slow_token_command_is_abandoned(qstash: Qstash, api: ApiServer) -> None:
    command = "sh -c 'sleep 60; echo token'"
    qstash("config", "set", "team", "--api-url", api.url, "--token-command", command)

    began_at = time.monotonic()
    run = complete(qstash, "qstash queue get ")

    # Not the limit of 0.25 s alone, since other tests run at the same time.
    assert time.monotonic() - began_at < 30
    assert (run.code, run.out, run.err) == (0, "", "")


@pytest.mark.parametrize("trouble", ["refused", "closed port", "no name", "odd response",
                                     "broken file", "no such profile", "quotes",
                                     "no cache"])  # fmt: skip
def test_errors_produce_no_output(asked: Qstash, api: ApiServer, trouble: str) -> None:
    env: dict[str, str] = {}
    if trouble == "refused":
        api.accepts = "another"
    elif trouble == "closed port":
        env["QSTASH_URL"] = "http://127.0.0.1:9"
    elif trouble == "no name":
        env["QSTASH_URL"] = "https://qstash.invalid"
    elif trouble == "odd response":
        api.responses = {("GET", "/v2/queues"): (200, {"a": [1]})}
    elif trouble == "broken file":
        asked.home.mkdir()
        (asked.home / "config.toml").write_text("[")
    elif trouble == "no such profile":
        env |= {"QSTASH_TOKEN": "", "QSTASH_PROFILE": "nope"}
    elif trouble == "quotes":
        # A normal run would print a warning.
        env["QSTASH_TOKEN"] = "'token-of-one'"
    elif trouble == "no cache":
        env["XDG_CACHE_HOME"] = "/dev/null"

    run = complete(asked, "qstash queue get ", **env)

    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("values\norders") == (trouble in {"quotes", "no cache"}), run


def test_a_server_that_never_responds_causes_no_noticeable_delay(qstash: Qstash) -> None:
    with api_server(is_late=True) as api:
        began_at = time.monotonic()
        run = complete(qstash, "qstash queue get ", QSTASH_URL=api.url, QSTASH_TOKEN="t")
        took_s = time.monotonic() - began_at

    assert (run.code, run.out, run.err) == (0, "", "")
    # The time beyond 0.3 s is that of this process on a busy machine.
    assert 0.25 < took_s < 30


def test_a_slowly_dripping_response_is_abandoned(qstash: Qstash) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        invocation = qstash.invocation(
            _QSTASH_COMPLETE="fish", _QSTASH_LINE="qstash queue get ",
            QSTASH_URL=f"http://127.0.0.1:{server.getsockname()[1]}", QSTASH_TOKEN="t",
        )  # fmt: skip
        is_over = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            # The client may close the connection at any time.
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not is_over.wait(0.05):
                    connection.sendall(b"X: y\r\n")

        thread = threading.Thread(target=drip)
        thread.start()
        began_at = time.monotonic()
        invocation.run()
        took_s = time.monotonic() - began_at
        is_over.set()
        thread.join()

    assert invocation.out.getvalue() == ""
    assert took_s < 30


def test_values_that_cannot_be_typed_are_omitted_and_descriptions_are_escaped(
    asked: Qstash, api: ApiServer
) -> None:
    hostile = {"cron": "\x1b[2J\tx\ny", "destination": "team"}
    bad = [hostile | {"scheduleId": n} for n in ("a\nb", "a\tb", "a\x1bb", "a\u202eb", "abc")]
    api.responses = {("GET", "/v2/schedules"): (200, bad)}

    run = complete(asked, "qstash schedule get a")

    assert run.out == "values\nabc\t\\x1b[2J x y team\n"


def test_ids_already_on_the_line_are_not_offered_again(asked: Qstash, api: ApiServer) -> None:
    failed = {"messageId": "msg_1", "url": "https://a.example", "responseStatus": 503}
    entries = [failed | {"dlqId": f"1-{n}"} for n in "ab"]
    api.responses = {("GET", "/v2/dlq"): (200, {"messages": entries})}

    run = complete(asked, "qstash dlq retry 1-a ")

    assert run.out == "values\n1-b\t503 https://a.example\n"


def test_dlq_ids_of_workflows_are_offered_with_their_workflows(
    asked: Qstash, api: ApiServer
) -> None:
    message = {"messageId": "msg_1", "url": "https://a.example/step", "responseStatus": 500}
    run = {"workflowRunId": "wfr_1", "workflowUrl": "https://a.example/onboard", "dlqId": "1-a"}
    api.responses = {("GET", "/v2/workflows/dlq"): (200, {"messages": [message | run]})}

    offered = complete(asked, "qstash workflow dlq resume ")

    assert offered.out == "values\n1-a\t500 https://a.example/onboard\n"


@pytest.mark.parametrize(
    ("line", "word", "expected"),
    [
        ("qstash queue get a", "a", ["'a b'", "a:b", "'a$(b)'"]),
        ("qstash queue get a:", "", ["b"]),
        ("qstash queue get 'a", "a", ["a:b"]),
        ("qstash logs --queue=a:", "", ["b"]),
    ],
)
def test_bash_gets_values_without_the_part_before_its_own_word(
    asked: Qstash, api: ApiServer, line: str, word: str, expected: list[str]
) -> None:
    api.responses = {
        ("GET", "/v2/queues"): (200, [QUEUE | {"name": n} for n in ("a b", "a:b", "a$(b)")])
    }

    run = complete(asked, line, "bash", _QSTASH_WORD=word)

    assert run.out.splitlines()[1:] == expected


@pytest.mark.usefixtures("patient_completion")
def test_groups_of_the_dlq_are_completed(qstash: Qstash) -> None:
    entries = [
        {"dlqId": f"{number}-0", "messageId": f"msg_{number}", "url": "https://example.com/a",
         "responseStatus": status, "responseBody": f"order {number} failed"}
        for number, status in enumerate((503, 503, 0))
    ]  # fmt: skip
    with api_server(responses={("GET", "/v2/dlq"): (200, {"messages": entries})}) as api:
        qstash.env |= {"QSTASH_URL": api.url, "QSTASH_TOKEN": "token-of-one"}
        keys = qstash("dlq", "group", "-o", "ids").out.split()
        run = complete(qstash, "qstash dlq retry --group ")

    assert run.out.splitlines()[1:] == [
        f"{keys[0]}\t2 entries, 503 https://example.com/a order <n> failed",
        f"{keys[1]}\t1 entry, no response https://example.com/a order <n> failed",
    ]
