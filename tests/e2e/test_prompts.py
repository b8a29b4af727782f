"""Hidden prompts on a terminal."""

from __future__ import annotations

from pathlib import Path

import pexpect

from tests.e2e.conftest import QSTASH, plain_environment

TOKEN = "token-that-nobody-may-read"
KEYS = ("sig_current_of_the_test", "sig_next_of_the_test")


def test_prompts_for_secrets_do_not_echo(tmp_path: Path) -> None:
    env = plain_environment(tmp_path) | {"TERM": "dumb"}
    child = pexpect.spawn(
        QSTASH[0], [*QSTASH[1:], "config", "set", "prod", "--token-stdin", "--keys-stdin"],
        env=env, encoding="utf-8", timeout=60,
    )  # fmt: skip
    shown = ""
    for prompt, secret in zip(
        ("token of prod: ", "current signing key: ", "next signing key: "),
        (TOKEN, *KEYS),
        strict=True,
    ):
        child.expect_exact(prompt)
        shown += str(child.before)
        child.waitnoecho(60)
        child.sendline(secret)
    child.expect(pexpect.EOF)
    shown += str(child.before)
    child.close()

    assert child.exitstatus == 0
    assert not any(secret in shown for secret in (TOKEN, *KEYS))
    stored = tmp_path / "config" / "config.toml"
    assert all(secret in stored.read_text() for secret in (TOKEN, *KEYS))
    assert stored.stat().st_mode & 0o777 == 0o600


def test_a_new_profile_prompts_for_its_token_despite_variables(tmp_path: Path) -> None:
    child = pexpect.spawn(
        QSTASH[0], [*QSTASH[1:], "config", "set", "us", "--api-url", "https://us.example"],
        env=plain_environment(tmp_path), encoding="utf-8", timeout=60,
    )  # fmt: skip
    child.expect_exact("token of us: ")
    child.waitnoecho(60)
    child.sendline(TOKEN)
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    assert TOKEN in (tmp_path / "config" / "config.toml").read_text()
