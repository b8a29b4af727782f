"""The checks of `doctor` that need no server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qstash_cli.client.diagnostics import Measurement
from qstash_cli.commands.doctor import account, environment, network
from qstash_cli.config.signing_keys import ConfiguredKeys
from tests.commands.api_server import KEYS

KEY_CASES: dict[str, tuple[ConfiguredKeys, str, str]] = {
    "both": (ConfiguredKeys(current=KEYS["current"], next=KEYS["next"], source="A"), "ok", "both"),
    "none": (ConfiguredKeys(), "warning", "not configured"),
    "rotated": (
        ConfiguredKeys(current="sig_old", next=KEYS["current"], source="A"),
        "warning",
        "rotated",
    ),
    "no next": (
        ConfiguredKeys(current=KEYS["current"], source="A"),
        "warning",
        "is not configured",
    ),
    "another next": (
        ConfiguredKeys(current=KEYS["current"], next="sig_x"),
        "warning",
        "the next key does not match",
    ),
    "strange": (
        ConfiguredKeys(current="sig_x", next="sig_y", source="A"),
        "failure",
        "neither key matches",
    ),
}


@pytest.mark.parametrize("case", KEY_CASES.values(), ids=list(KEY_CASES))
def test_signing_keys_are_compared_and_never_printed(case: tuple[ConfiguredKeys, str, str]) -> None:
    configured, status, words = case

    check = account.signing_keys(configured, Measurement(status=200, content=KEYS))

    assert (check.status, words in check.detail) == (status, True), check
    assert "sig_" not in check.detail + check.fix


PROXY_CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "none": ({}, "ok", "not set"),
    "used": ({"HTTPS_PROXY": "http://me:hush@proxy:3128"}, "ok", "HTTPS_PROXY: http://proxy:3128"),
    "lower case first": ({"HTTPS_PROXY": "http://a", "https_proxy": "http://b"}, "ok", "http://b"),
    "excluded": ({"HTTPS_PROXY": "http://a", "NO_PROXY": ".example"}, "ok", "NO_PROXY excludes"),
    "all hosts excluded": ({"ALL_PROXY": "http://a", "no_proxy": "*"}, "ok", "NO_PROXY excludes"),
    "of another scheme": ({"HTTP_PROXY": "http://a"}, "ok", "HTTP_PROXY is set, but not used"),
    "socks": ({"ALL_PROXY": "socks5://me:hush@a:1"}, "failure", "ALL_PROXY names a SOCKS proxy"),
    "behind TLS": ({"ALL_PROXY": "https://me:hush@a:1"}, "failure", "ALL_PROXY names a proxy"),
    "no port": ({"HTTPS_PROXY": "http://a:x"}, "failure", "HTTPS_PROXY"),
}


@pytest.mark.parametrize("case", PROXY_CASES.values(), ids=list(PROXY_CASES))
def test_proxies_are_reported_without_their_passwords(
    case: tuple[dict[str, str], str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env, status, words = case
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    check = environment.proxy("https://q.example")

    assert (check.status, words in check.detail) == (status, True), check
    assert "hush" not in check.detail + check.fix


def test_missing_certificate_files_fail(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()

    def status(**env: str) -> str:
        return environment.certificates(env, is_plain=False).status

    assert status() == "ok"
    assert status(SSL_CERT_FILE=str(tmp_path / "nope")) == "failure"
    assert status(SSL_CERT_FILE=str(empty)) == "failure"
    assert status(SSL_CERT_DIR=str(tmp_path)) == "ok"
    assert status(REQUESTS_CA_BUNDLE="a") == "warning"


def test_slow_responses_cause_a_warning() -> None:
    assert network.latency([Measurement(took_ms=ms) for ms in (5, 9, 2000)]).detail.startswith(
        "9 ms"
    )
    assert network.latency([Measurement(took_ms=1500)]).status == "warning"


def test_slow_responses_reduce_the_number_of_samples() -> None:
    slow = Measurement(took_ms=2000)

    assert len(list(network.samples(slow, lambda: slow))) == 1
    assert len(list(network.samples(Measurement(took_ms=3), lambda: Measurement(took_ms=3)))) == 3
