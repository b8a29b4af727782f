from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstash_cli.protocol.signature import sign
from tests.in_process import Qstash

URL, BODY, KEY = "https://example.com/hook", b'{"id":1}', "sig_of_the_test"
KEYS: dict[str, Any] = {"QSTASH_CURRENT_SIGNING_KEY": "sig_other", "QSTASH_NEXT_SIGNING_KEY": KEY}


def signature(now: float | None = None) -> str:
    return sign(KEY, url=URL, body=BODY, now=now or time.time(), token_id="jwt_1")


def test_a_valid_signature_exits_with_0_and_names_the_key(qstash: Qstash) -> None:
    run = qstash("verify", "--signature", signature(), "--body", BODY.decode(), "--url", URL,
                 "-o", "json", **KEYS)  # fmt: skip

    assert run.code == 0, run
    assert (run.json["valid"], run.json["key"], run.json["claims"]["sub"]) == (True, "next", URL)
    assert KEY not in run.out


def test_an_invalid_signature_exits_with_7_and_prints_every_check(qstash: Qstash) -> None:
    run = qstash("verify", "--signature", signature(time.time() - 9999), "--body", "other",
                 "--url", f"{URL}/", "--columns", "check,outcome", **KEYS)  # fmt: skip

    assert run.code == 7, run
    outcomes = dict(line.split("\t") for line in run.out.splitlines())
    assert {name for name, outcome in outcomes.items() if outcome == "fail"} == {
        "sub", "exp", "body",
    }  # fmt: skip
    assert len(outcomes) == 9


def test_on_a_terminal_the_verdict_is_first_and_the_cause_is_last(qstash: Qstash) -> None:
    now = 1_795_525_689.0
    qstash.now = lambda: now
    argv = ("verify", "--signature", signature(now - 480), "--body", BODY.decode(), "--url", URL,
            "--at", str(int(now)))  # fmt: skip

    screen = qstash(*argv, tty=True, NO_COLOR="1", **KEYS)
    piped = qstash(*argv, **KEYS)
    as_json = qstash(*argv, "-o", "json", tty=True, NO_COLOR="1", **KEYS)

    lines = screen.out.splitlines()
    assert lines[0] == "✗ INVALID  signed with the next key, but failed: exp"
    assert "exp        ✗ fail   expired 3 min ago" in lines
    assert "iat        ✓ pass   issued 8 min ago" in lines
    assert lines[-3].startswith("cause: exp: the signature expired 180 s before")
    assert lines[-2].startswith("fix:   verify it at the time it was received with --at TIME")
    assert screen.err == "error: signature check failed: exp\n"
    # Programs and other formats get the note on standard error, without the summary.
    assert piped.err.startswith("note: exp: the signature expired 180 s before")
    assert as_json.err.startswith("note: exp: ")
    assert as_json.json["valid"] is False


def test_a_valid_verdict_names_skipped_checks(qstash: Qstash) -> None:
    run = qstash("verify", "--signature", signature(), tty=True, NO_COLOR="1", **KEYS)

    assert run.code == 0
    assert run.err == ""
    assert run.out.startswith("✓ VALID  signed with the next key; not checked: sub, body\n")
    assert "add --url to check it" in run.out


def test_the_verdict_is_coloured_and_its_token_cannot_move_the_cursor(qstash: Qstash) -> None:
    token = sign(KEY, url=f"{URL}\x1b[2J", body=BODY, now=time.time(), token_id="jwt_1")

    run = qstash("verify", "--signature", token, "--url", URL, tty=True, TERM="xterm", **KEYS)

    assert run.out.startswith("\x1b[1;31m✗ INVALID\x1b[0m")
    assert "\\x1b[2J" in run.out
    assert "\x1b[2J" not in run.out


def test_an_old_capture_is_verified_at_its_own_time(qstash: Qstash) -> None:
    old = ("verify", "--signature", signature(1_700_000_000), "--body", BODY.decode())

    assert qstash(*old, **KEYS).code == 7
    assert qstash(*old, "--at", "1700000100", **KEYS).code == 0
    assert qstash(*old, "--at", "1700000310", "--tolerance", "30s", **KEYS).code == 0
    assert qstash(*old, "--ignore-expiry", **KEYS).code == 0


def test_the_body_can_be_read_from_standard_input(qstash: Qstash) -> None:
    run = qstash("verify", "--signature", signature(), "--body", "-", stdin=BODY, **KEYS)

    assert run.code == 0, run


def test_missing_keys_exit_with_3_and_a_hint(qstash: Qstash) -> None:
    run = qstash("verify", "--signature", signature(), "--body", "x")

    assert run.code == 3, run
    assert "QSTASH_CURRENT_SIGNING_KEY" in run.err


def test_verify_accepts_a_signature_of_sign(qstash: Qstash) -> None:
    made = qstash("sign", "--url", URL, "--body", "x", "--dev")
    checked = qstash("verify", "--signature", "-", "--body", "x", "--url", URL, "--dev",
                     stdin=made.out.encode())  # fmt: skip

    assert (made.code, made.out.count("\n"), checked.code) == (0, 1, 0)
    assert "for testing" in made.err


def test_sign_creates_a_whole_request_that_the_handler_accepts(
    qstash: Qstash, tmp_path: Path
) -> None:
    made = ("sign", "--url", f"{URL}?a=1", "--body", '{"id":1}', "--key", KEY)

    (tmp_path / "request.http").write_text(qstash(*made, "-o", "http").out, newline="")
    checked = qstash("verify", "--request", str(tmp_path / "request.http"), "--current-key", KEY)
    assert checked.code == 0, checked
    curl = qstash(*made, "-o", "curl").out
    assert qstash("verify", "--request", "-", "--current-key", KEY, stdin=curl.encode()).code == 0
    assert "QSTASH_TOKEN" not in curl
    as_json = qstash(*made, "-o", "json").json
    assert as_json["headers"]["Upstash-Signature"] == as_json["signature"]
    assert qstash(*made, "-o", "http", "--not-before", "in 1h").code == 0
    assert "curl, http" in qstash(*made, "-o", "wget").err
    assert KEY not in curl


def test_a_signature_that_is_not_valid_yet_is_refused(qstash: Qstash) -> None:
    signature = qstash("sign", "--url", URL, "--key", KEY, "--not-before", "in 1h").out

    run = qstash("verify", "--signature", "-", "--current-key", KEY, "-o", "json",
                 stdin=signature.encode())  # fmt: skip

    assert run.code == 7
    assert [c["name"] for c in run.json["checks"] if c["outcome"] == "fail"] == ["nbf"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200), st.text(max_size=60), st.text(max_size=40), st.booleans())
def test_no_input_causes_a_traceback(
    qstash: Qstash, captured: bytes, token: str, url: str, is_line: bool
) -> None:
    key = ("--current-key", KEY)
    whole = "--jsonl" if is_line else "--request"

    for run in (
        qstash("verify", whole, "-", *key, stdin=captured),
        qstash("verify", f"--signature={token}", f"--url={url}", "--body", "-", *key,
               stdin=captured),
    ):  # fmt: skip
        assert run.code in {0, 2, 7}, run
        assert "Traceback" not in run.err
        assert run.code != 0 or not captured.strip()
