"""`message show`: one screen of everything about a message."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.commands.api_server import api_server
from tests.in_process import Qstash
from tests.screens import responses as r
from tests.sink import Sink

KEYS = {
    "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
    "QSTASH_NEXT_SIGNING_KEY": DEV_USER.next_signing_key,
}
NO_KEYS = dict.fromkeys(KEYS, "")


def screen(local: Qstash, *argv: str, **env: Any) -> str:
    run = local("message", "show", *argv, tty=True, NO_COLOR="1", **env)
    assert run.code == 0, run
    return run.out


def commands_of(text: str) -> list[str]:
    return re.findall(
        r"^.*?(qstash (?:message|dlq|replay) .*)$", text.partition("\nNext\n")[2], re.MULTILINE
    )


def buried(local: Qstash, sink: Sink) -> tuple[str, str]:
    sink.statuses = [503, 503]
    sink.body = b"out of paper"
    message_id = local(
        "publish", sink.url, "n:=2", "--retries", "1", "--retry-delay", "10", "--wait"
    ).out.strip()
    return message_id, local("dlq", "list", "-q").out.strip()


def test_a_failed_message_has_its_attempts_response_body_and_commands(
    local: Qstash, sink: Sink
) -> None:
    message_id, dlq_id = buried(local, sink)

    for some_id in (message_id, dlq_id):
        text = screen(local, some_id)

        assert text.startswith(f"✗ failed  POST {sink.url}\n503 after 2 attempts, ")
        assert re.search(r"^\S+ +attempt 1 +✗ error +503 ", text, re.MULTILINE)
        assert re.search(r"^\S+ +attempt 2 +✗ failed +503 ", text, re.MULTILINE)
        assert "Response to attempts 1-2: 503  12 bytes\n  out of paper\n" in text
        assert 'Request body  7 bytes, application/json\n  {\n    "n": 2\n  }\n' in text
        assert commands_of(text) == [
            f"qstash dlq retry {dlq_id}",
            f"qstash replay {dlq_id} --to http://127.0.0.1:3000",
        ]


def test_the_commands_of_each_state_work_when_they_are_pasted(local: Qstash, sink: Sink) -> None:
    for verb in ("run-now", "cancel"):
        message_id = local("publish", sink.url, "--delay", "1d").out.strip()
        commands = commands_of(screen(local, message_id))
        assert [one.split()[2] for one in commands] == ["wait", "run-now", "cancel"]
        pasted = next(one for one in commands if f" {verb} " in one)
        assert local(*shlex.split(pasted)[1:]).code == 0
    local("message", "wait", message_id)
    assert screen(local, message_id).startswith("⊘ cancelled  POST ")

    _, dlq_id = buried(local, sink)
    [retry, _] = commands_of(screen(local, dlq_id))
    assert local(*shlex.split(retry)[1:]).code == 0


def test_a_message_in_a_queue_cannot_be_run_now(local: Qstash, sink: Sink) -> None:
    local("queue", "set", "orders")
    local("queue", "pause", "orders")
    message_id = local("publish", sink.url, "--queue", "orders").out.strip()

    verbs = [one.split()[2] for one in commands_of(screen(local, message_id))]

    assert verbs == ["wait", "cancel"]


def test_the_commands_select_the_same_account_without_its_token(local: Qstash, sink: Sink) -> None:
    message_id = local("publish", sink.url, "--delay", "1d").out.strip()
    url = local.env["QSTASH_URL"]

    text = screen(local, message_id, "--api-url", url, "--token", DEV_USER.token)

    assert f"qstash message cancel {message_id} --api-url {url}\n" in text
    assert DEV_USER.token not in text


def test_json_has_the_records_of_qstash(local: Qstash, sink: Sink) -> None:
    message_id, dlq_id = buried(local, sink)

    piped = local("message", "show", message_id)
    of_entry = local("message", "show", dlq_id, "-o", "json", tty=True, NO_COLOR="1")

    assert piped.json.keys() == {"message", "logs", "dlq"}
    assert piped.json["logs"] == local("logs", "--message", message_id, "-o", "json").json
    assert piped.json["dlq"] == local("dlq", "list", "-o", "json").json[0]
    assert of_entry.json["message"] is None
    assert of_entry.json["dlq"]["messageId"] == message_id
    assert local("message", "show", message_id, "-q").out == f"{message_id}\n"
    columns = local("message", "show", message_id, "--columns", "state,attempts,dlqId", tty=True)
    assert "Attempts  2\n" in re.sub(r"\x1b\[[0-9;]*m", "", columns.out)
    assert local("message", "show", dlq_id, "-o", "tsv").out == (
        f"{message_id}\tFAILED\tPOST\t{sink.url}\t2\t{dlq_id}\n"
    )


def test_the_signature_is_verified_with_the_configured_keys(local: Qstash, sink: Sink) -> None:
    message_id = local("publish", sink.url, "a=1", "--wait").out.strip()

    right = screen(local, message_id)
    rotated = screen(local, message_id,
                     QSTASH_CURRENT_SIGNING_KEY="sig_old",
                     QSTASH_NEXT_SIGNING_KEY=DEV_USER.current_signing_key)  # fmt: skip
    wrong = screen(local, message_id, QSTASH_CURRENT_SIGNING_KEY="sig_of_another_account",
                   QSTASH_NEXT_SIGNING_KEY="sig_too")  # fmt: skip
    missing = screen(local, message_id, **NO_KEYS)

    assert "✓ valid  accepted with the current key, from QSTASH_CURRENT_SIGNING_KEY" in right
    assert "✓ valid  accepted with the next key" in rotated
    assert "✗ invalid  the keys from QSTASH_CURRENT_SIGNING_KEY are not those of this" in wrong
    assert "? unknown  no signing key is configured" in missing
    assert "qstash replay" in right
    assert "qstash replay" not in missing


def test_a_redacted_body_has_no_signature_and_cannot_be_replayed(local: Qstash, sink: Sink) -> None:
    message_id = local("publish", sink.url, "secret=1", "--redact", "body", "--wait").out.strip()

    text = screen(local, message_id)

    assert "Request body  redacted: QStash stores only a hash\n" in text
    assert "? unknown  its body is redacted, so its signature cannot be computed" in text
    assert commands_of(text) == []


def test_secrets_binary_bodies_and_control_characters_stay_off_the_terminal(
    local: Qstash, sink: Sink
) -> None:
    sink.body = b"\x1b[2Jcleared"
    message_id = local(
        "publish", sink.url, "-d", "-", "-H", "Authorization: Bearer abc", "--wait",
        stdin=b"\xff\xfe\x00",
    ).out.strip()  # fmt: skip

    text = screen(local, message_id)

    assert "Request body  3 bytes, binary\n" in text.replace(", application/octet-stream", "")
    assert "\\x1b[2Jcleared" in text
    assert "\x1b" not in text
    assert "Authorization: (hidden; -o json has it)" in text
    assert "Bearer abc" not in text


def test_long_bodies_are_cut_unless_verbose(local: Qstash, sink: Sink) -> None:
    sink.body = "\n".join(f"line {n}" for n in range(30)).encode()
    message_id = local("publish", sink.url, "--wait").out.strip()

    brief, verbose = screen(local, message_id), screen(local, message_id, "-v")

    assert ", first 20 of 30 lines\n  line 0\n" in brief
    assert "line 20" not in brief
    assert "line 29" in verbose
    assert "Response headers of attempt 1" in verbose


def test_a_finished_message_is_shown_from_the_log_alone(qstash: Qstash) -> None:
    entries = [e for e in r.ENTRIES if e["messageId"] == r.ENTRIES[0]["messageId"]]
    responses = {("GET", "/v2/logs"): (200, {"logs": entries})}
    with api_server(responses=responses) as api:
        qstash.env |= {"QSTASH_URL": api.url, "QSTASH_TOKEN": DEV_USER.token}
        text = screen(qstash, entries[0]["messageId"])
        paths = [path.partition("?")[0] for _, path, _ in api.requests]

    assert text.startswith(
        "✓ delivered  POST https://app.example.com/api/orders/created\n200 after"
    )
    assert paths == [f"/v2/messages/{entries[0]['messageId']}", "/v2/logs"]


@pytest.mark.parametrize("some_id", ["msg_unknown", "1725323658779-0"])
def test_an_unknown_id_is_not_found(local: Qstash, some_id: str) -> None:
    run = local("message", "show", some_id)

    assert (run.code, run.out) == (4, "")
    assert some_id in run.err


def test_a_dry_run_names_the_requests(local: Qstash) -> None:
    run = local("message", "show", "msg_1", "--dry-run")

    assert run.code == 0
    assert "/v2/messages/msg_1" in run.out
    assert "/v2/logs?messageId=msg_1" in run.out
