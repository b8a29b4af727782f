"""`export` with real servers, and moving an account to another server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.commands.api_server import api_server
from tests.commands.manifests import SMALL, URL
from tests.in_process import Qstash


def test_an_account_moves_to_another_region(
    qstash: Qstash, write: Callable[[str], str], tmp_path: Path
) -> None:
    with (
        running_server(ServerConfig(port=0)) as eu,
        running_server(ServerConfig(port=0)) as us,
    ):
        for name, url in (("eu", eu), ("us", us)):
            qstash("config", "set", name, "--api-url", url, "--token-stdin",
                   stdin=DEV_USER.token.encode())  # fmt: skip
        qstash("schedule", "create", f"{URL}/%C3%A9?a=${{b}}", "-d", "a\r\nb ${HOME}",
               "--cron", "@daily", "--id", "by-hand", "-H", "X-A: é", "-p", "eu")  # fmt: skip
        (tmp_path / "body").write_bytes(b"\xff\x00")
        qstash("schedule", "create", f"{URL}/", "-d", f"@{tmp_path / 'body'}",
               "--cron", "0 0 1 * *", "--id", "binary", "--flow-key", "a b", "--rate", "3",
               "-p", "eu")  # fmt: skip
        assert qstash("apply", "-f", write(SMALL), "--yes", "-p", "eu").code == 0
        exported = qstash("export", "-p", "eu")
        assert exported.code == 0, exported

        moved = qstash("apply", "-f", "-", "--yes", "-p", "us", stdin=exported.out.encode())

        assert moved.code == 0, moved
        again = qstash("export", "-p", "us")
        assert again.out == exported.out
        assert "managed-by" not in again.out
        compared = qstash("plan", "-f", "-", "--check", "--prune", "-p", "us",
                          stdin=exported.out.encode())  # fmt: skip
        assert compared.code == 0, compared
        assert qstash("schedule", "get", "by-hand", "-p", "us").json["body"] == "a\r\nb ${HOME}"
        assert qstash("schedule", "get", "binary", "-p", "us").json["bodyBase64"] == "/wA="


def test_redacted_schedules_are_not_exported(local: Qstash) -> None:
    for name, flags in (
        ("body", ("--redact", "body")),
        ("one-header", ("--redact", "headers[Authorization]", "-H", "Authorization: hunter2")),
        ("open", ()),
    ):
        local("schedule", "create", URL, "-d", "secret", "--cron", "@daily", "--id", name, *flags)

    exported = local("export")

    assert exported.code == 10, exported
    assert "[schedules.open]" in exported.out
    assert "one-header" not in exported.out
    assert "REDACTED" not in exported.out
    assert "body: QStash hides its body; one-header: QStash hides its header Auth" in exported.err


def test_hidden_options_of_a_managed_schedule_are_reported(
    local: Qstash, write: Callable[[str], str]
) -> None:
    text = f'[schedules.s]\ndestination = "{URL}"\ncron = "@daily"\n'
    text += f'[schedules.s.callback]\nurl = "{URL}"\n'
    local("apply", "-f", write(f"{text}retries = 2\n"), "--yes")

    exported = local("export")
    changed = local("plan", "-f", write(f"{text}retries = 4\n"))

    assert (exported.code, "[schedules.s]" in exported.out) == (10, False), exported
    assert "callback.retries  (not returned by QStash) -> 4" in changed.out


@pytest.mark.parametrize("command", [("export",), ("schedule", "run", "nightly")])
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("bodyBase64", "te~t", "schedule nightly: its body is not valid base64"),
        ("body", "\ud800", ""),
    ],
)
def test_a_schedule_with_a_damaged_body_is_named(
    qstash: Qstash, command: tuple[str, ...], field: str, value: str, message: str
) -> None:
    schedule = {"scheduleId": "nightly", "cron": "0 3 * * *", "destination": "https://a.example",
                field: value}  # fmt: skip
    responses = {
        ("GET", "/v2/schedules"): (200, [schedule]), ("GET", "/v2/schedules/"): (200, schedule),
        ("POST", "/v2/publish"): (200, {"messageId": "msg_1"}), ("GET", "/v2/queues"): (200, []),
        ("GET", "/v2/topics"): (200, []), ("GET", "/v2/flowControl"): (200, []),
    }  # fmt: skip
    with api_server(responses=responses) as api:
        run = qstash(*command, QSTASH_URL=api.url, QSTASH_TOKEN=DEV_USER.token)

    assert "something unexpected" not in run.err
    assert message in run.err
    assert (run.code == 0) == (message == "")
