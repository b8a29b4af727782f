"""`qstash config login` on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.conftest import QSTASH, plain_environment, run
from tests.stopping import stopped_later


@pytest.fixture
def server_url() -> Iterator[str]:
    with stopped_later(running_server(ServerConfig(port=0))) as url:
        yield url


def spawned(home: Path, *argv: str) -> pexpect.spawn:
    return pexpect.spawn(
        QSTASH[0], [*QSTASH[1:], "config", "login", *argv],
        env=plain_environment(home) | {"TERM": "dumb"}, encoding="utf-8", timeout=60,
        dimensions=(40, 160),
    )  # fmt: skip


def test_a_login_asks_checks_saves_and_says_what_to_try_next(
    server_url: str, tmp_path: Path
) -> None:
    child = spawned(tmp_path, "local", "--api-url", server_url)
    child.expect_exact("token of local: ")
    child.waitnoecho(60)
    child.sendline(DEV_USER.token)
    child.expect(pexpect.EOF)
    shown = str(child.before)
    child.close()

    assert child.exitstatus == 0, shown
    assert DEV_USER.token not in shown
    assert "Saved the token and the signing keys as profile local" in shown
    assert "  qstash doctor\r\n" in shown
    config = tmp_path / "config" / "config.toml"
    assert config.stat().st_mode & 0o777 == 0o600
    doctor = run([*QSTASH, "doctor", "-p", "local"], plain_environment(tmp_path))
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr


def test_declining_to_replace_a_profile_keeps_it(tmp_path: Path) -> None:
    run([*QSTASH, "config", "set", "prod", "--token-env", "A"], plain_environment(tmp_path))
    config = tmp_path / "config" / "config.toml"
    before = config.read_text()

    child = spawned(tmp_path, "prod")
    child.expect_exact("Replace URL, token and signing keys of profile prod")
    child.sendline("n")
    child.expect(pexpect.EOF)
    child.close()

    assert (child.exitstatus, config.read_text()) == (130, before)


def test_the_regions_are_listed_and_end_of_input_saves_nothing(tmp_path: Path) -> None:
    child = spawned(tmp_path)
    child.expect_exact("2  us-east-1     https://qstash-us-east-1.upstash.io")
    child.expect_exact("Region [1]: ")
    child.sendline("2")
    child.expect_exact("token of default: ")
    child.waitnoecho(60)
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 130
    assert not (tmp_path / "config").exists()
