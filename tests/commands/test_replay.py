"""`replay` delivers QStash's messages from this machine, signed now."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.handlers import running_handler
from tests.in_process import Qstash
from tests.sink import Sink

BINARY = bytes(range(256)) + b"\r\n\x00\xff"


@pytest.fixture
def bury(local: Qstash, sink: Sink) -> Callable[..., str]:
    """Publishes a message whose delivery fails, and returns the id of its DLQ entry."""
    sink.statuses = [503]

    def bury_(*argv: str, path: str = "/hook?a=%20", stdin: bytes = b"{}") -> str:
        lost = local(
            "publish", f"{sink.url}{path}", "-d", "-", "--retries", "0", "--wait", *argv,
            stdin=stdin,
        )  # fmt: skip
        assert lost.code == 8, lost
        (entry,) = local("dlq", "list", "--message", lost.out.strip(), "-q").out.split()
        return entry

    return bury_


def test_a_handler_with_the_official_sdk_accepts_a_replayed_entry(
    local: Qstash, sink: Sink, bury: Callable[..., str]
) -> None:
    entry = bury(
        "-X", "PUT", "-H", "X-Trace: a b", "-H", "Content-Type: text/x", stdin="ü".encode()
    )
    with running_handler(f"{sink.url}/hook?a=%20") as handler:
        run = local("replay", entry, "--to", f"{handler.address}/here?b=%2F", "-o", "json")

    assert run.code == 0, run
    (shown,) = run.json
    assert (shown["id"], shown["status"], shown["body"]) == (entry, 200, "taken")
    (taken,) = handler.taken
    (first,) = sink.received
    assert (taken.method, taken.path, taken.body) == ("PUT", "/here?b=%2F", "ü".encode())
    changed = {"host", "upstash-signature", "accept-encoding", "accept", "connection"}
    kept = {n.lower(): v for n, v in first.headers if n.lower() not in changed}
    assert {n.lower(): v for n, v in taken.headers if n.lower() not in changed} == kept
    assert local("dlq", "list", "-q").out.strip() == entry


def test_a_binary_body_is_replayed_byte_for_byte_and_its_capture_verifies(
    local: Qstash, sink: Sink, bury: Callable[..., str], tmp_path: Path
) -> None:
    entry = bury(stdin=BINARY)
    sink.statuses = [200]

    run = local("replay", entry, "--to", sink.url, "--save", str(tmp_path / "kept"))

    assert run.code == 0, run
    assert [one.body for one in sink.received] == [BINARY, BINARY]
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.name == f"{entry}.http"
    verified = local("verify", "--request", str(kept), "-o", "json")
    assert verified.code == 0, verified
    assert verified.json["url"] == f"{sink.url}/hook?a=%20"


def test_another_url_can_be_signed(local: Qstash, bury: Callable[..., str]) -> None:
    entry = bury()
    as_url = "https://app.example.com/hook"
    with running_handler(as_url) as handler:
        run = local("replay", entry, "--to", handler.address, "--as-url", as_url)
        other = local("replay", entry, "--to", handler.address)

    assert run.code == 0, run
    assert len(handler.taken) == 1
    assert other.code == 8
    assert f"error: the handler did not accept {entry}: 401" in other.err
    assert other.out.split("\t")[1] == "401"


def test_messages_in_flight_and_in_the_log_are_replayed(local: Qstash, sink: Sink) -> None:
    waiting = local("publish", f"{sink.url}/later", "n:=1", "--delay", "1d").out.strip()
    delivered = local("publish", f"{sink.url}/now", "n:=2", "--wait").out.strip()
    gone = local("publish", f"{sink.url}/gone", "n:=3", "--delay", "1d").out.strip()
    local("message", "cancel", gone)
    with running_handler() as handler:
        run = local("replay", waiting, delivered, gone, "--to", handler.address, "-q")

    assert run.code == 0, run
    assert run.out.split() == [waiting, delivered, gone]
    assert [one.body for one in handler.taken] == [b'{"n":1}', b'{"n":2}', b'{"n":3}']
    assert [one.header("upstash-message-id") for one in handler.taken] == run.out.split()


def test_filters_select_entries_and_redacted_ones_are_skipped_with_a_warning(
    local: Qstash, bury: Callable[..., str]
) -> None:
    whole = bury("--label", "a")
    bury("--label", "b")
    hidden = bury("--label", "a", "--redact", "body", stdin=b"secret")
    with running_handler() as handler:
        run = local("replay", "--label", "a", "--to", handler.address, "-q")

    assert run.code == 10, run
    assert run.out.split() == [whole]
    assert f"warning: {hidden} is skipped: its body is redacted" in run.err
    assert "1 delivered, 1 skipped" in run.err
    assert len(handler.taken) == 1


@pytest.mark.parametrize(
    ("redact", "reason"),
    [("body", "its body is redacted"), ("headers[X-Key]", "its header X-Key is redacted")],
)
def test_a_redacted_entry_is_refused_with_the_reason_and_nothing_is_delivered(
    local: Qstash, sink: Sink, bury: Callable[..., str], redact: str, reason: str
) -> None:
    whole = bury()
    hidden = bury("--redact", redact, "-H", "X-Key: k", stdin=b"secret")
    before = len(sink.received)

    run = local("replay", whole, hidden, "--to", sink.url)

    assert run.code == 2
    assert f"error: {hidden} cannot be delivered from here: {reason}" in run.err
    assert len(sink.received) == before


def test_an_unreachable_handler_is_reported(local: Qstash, bury: Callable[..., str]) -> None:
    entry = bury()

    run = local("replay", entry, "--to", "http://127.0.0.1:9/", "-o", "json")

    assert run.code == 8
    assert run.json[0]["status"] is None
    assert "refused" in run.json[0]["error"]


def test_a_dry_run_displays_the_request_and_sends_nothing(
    local: Qstash, sink: Sink, bury: Callable[..., str]
) -> None:
    entry = bury("-H", "Authorization: Bearer of-the-user", stdin=b"x=1")
    before = len(sink.received)

    shown = local("replay", entry, "--to", f"{sink.url}/here", "--dry-run")
    curl = local("replay", entry, "--to", f"{sink.url}/here", "--curl")

    assert shown.out.startswith(f"POST {sink.url}/here\n")
    assert re.search(r"^Upstash-Signature: eyJ", shown.out, re.MULTILINE)
    assert "Authorization: Bearer of-the-user" in shown.out
    assert "$QSTASH_TOKEN" not in curl.out
    assert "-H 'Authorization: Bearer of-the-user'" in curl.out
    assert len(sink.received) == before
    assert DEV_USER.token not in shown.out + curl.out + shown.err + curl.err


def test_another_machine_needs_a_confirmation_and_a_protected_profile_an_option(
    local: Qstash, sink: Sink, bury: Callable[..., str]
) -> None:
    entry = bury()
    before = len(sink.received)
    local.home.mkdir()
    (local.home / "config.toml").write_text(
        f'[profiles.prod]\napi_url = "{local.env["QSTASH_URL"]}"\ntoken = "{DEV_USER.token}"\n'
        f'current_signing_key = "{DEV_USER.current_signing_key}"\nprotected = true\n'
    )

    elsewhere = local("replay", entry, "--to", "https://example.com/hook")
    guarded = local("replay", entry, "-p", "prod", "--to", sink.url)

    assert elsewhere.code == 2
    assert "not confirmed: Deliver real messages to https://example.com/hook" in elsewhere.err
    assert guarded.code == 2
    assert "profile prod is protected" in guarded.err
    assert "--allow-protected" in guarded.err
    assert len(sink.received) == before
    sink.statuses = [200]
    allowed = local("replay", entry, "-p", "prod", "--allow-protected", "--to", sink.url)
    assert allowed.code == 0, allowed


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("1-0",), "no handler to deliver to"),
        (("--to", "http://127.0.0.1/"), "no message is named"),
        (("1-0", "--label", "a", "--to", "http://127.0.0.1/"), "cannot be combined"),
        (("scd_1", "--to", "http://127.0.0.1/"), "neither a DLQ id nor a message id"),
        (("1-0", "--to", "localhost:3000"), "--to: no http:// or https://: localhost:3000"),
    ],
)
def test_contradictory_options_are_refused(
    local: Qstash, argv: tuple[str, ...], words: str
) -> None:
    run = local("replay", *argv)

    assert run.code == 2
    assert words in run.err


def test_an_unknown_id_is_not_found_and_keys_are_required(local: Qstash) -> None:
    entry = local("replay", "1725323658779-0", "--to", "http://127.0.0.1:9/")
    message = local("replay", "msg_123", "--to", "http://127.0.0.1:9/")
    without = local("replay", "1-0", "--to", "http://127.0.0.1:9/", QSTASH_CURRENT_SIGNING_KEY="")

    assert (entry.code, message.code, without.code) == (4, 4, 3)
    assert "neither QStash nor its log has the message msg_123" in message.err
    assert "no signing key to sign with" in without.err
