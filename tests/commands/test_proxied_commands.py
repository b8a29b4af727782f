"""Commands behind a proxy: their requests, and what `doctor` reports about the proxy."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from tests.commands.api_server import HEALTHY, ApiServer, api_server
from tests.http_proxy import HttpProxy, running_http_proxy
from tests.in_process import Qstash

HOST = "qstash.invalid"
TOKEN = "eyJVc2VySUQiOiJhIiwiUGFzc3dvcmQiOiJzZWNyZXQtb2YtYSJ9"
PASSWORD = "hush-hush-hush"


@contextmanager
def proxied_api(
    qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ApiServer, HttpProxy]]:
    """QStash at a host that only the proxy resolves, and an environment with that proxy."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    responses = {**HEALTHY, ("POST", "/v2/publish/https"): (201, {"messageId": "msg_1"})}
    with api_server(responses=responses, certificate=context) as api:
        port = urlsplit(api.url).port
        assert port is not None
        with running_http_proxy({f"{HOST}:443": port}, credentials=f"me:{PASSWORD}") as proxy:
            qstash.env |= {"QSTASH_URL": f"https://{HOST}", "QSTASH_TOKEN": TOKEN}
            for name, value in {
                "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
                "HTTPS_PROXY": proxy.url,
            }.items():
                qstash.env[name] = value
                monkeypatch.setenv(name, value)
            yield api, proxy


def test_a_publish_uses_the_proxy_which_receives_no_token(
    qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied_api(qstash, tmp_path, monkeypatch) as (api, proxy):
        run = qstash("publish", "https://example.com/hook", "a=1", "-v")

    assert (run.code, run.out) == (0, "msg_1\n"), run
    assert PASSWORD not in run.err
    assert api.requests == [("POST", "/v2/publish/https://example.com/hook", f"Bearer {TOKEN}")]
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {HOST}:443 ".encode())
    assert TOKEN.encode() not in head


def test_doctor_reports_the_proxy_and_connects_through_it(
    qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied_api(qstash, tmp_path, monkeypatch) as (_, proxy):
        run = qstash("doctor", "-o", "json")

    found = {check["check"]: (check["status"], check["detail"]) for check in run.json}
    assert run.code == 0, run
    assert found["proxy"] == ("ok", f"HTTPS_PROXY: http://{proxy.address}")
    assert found["dns"] == ("skipped", "the proxy of HTTPS_PROXY resolves names")
    assert found["tls"][0] == "skipped"
    assert found["api"][0] == "ok"
    assert len(proxy.heads) == 1
    assert PASSWORD not in run.out + run.err


def test_doctor_connects_directly_if_no_proxy_contains_the_host(
    qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied_api(qstash, tmp_path, monkeypatch) as (_, proxy):
        monkeypatch.setenv("NO_PROXY", f"localhost,{HOST}")
        run = qstash("doctor", "-o", "json")

    found = {check["check"]: (check["status"], check["detail"]) for check in run.json}
    assert found["proxy"] == ("ok", f"HTTPS_PROXY is set, but NO_PROXY excludes {HOST}")
    assert found["dns"][0] == "failure"
    assert proxy.heads == []


def test_doctor_skips_checks_that_need_an_unsupported_proxy(
    qstash: Qstash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied_api(qstash, tmp_path, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", f"socks5://me:{PASSWORD}@127.0.0.1:9")
        run = qstash("doctor", "-o", "json")

    found = {check["check"]: (check["status"], check["detail"]) for check in run.json}
    assert found["proxy"][0] == "failure"
    assert "SOCKS" in found["proxy"][1]
    assert found["api"] == ("skipped", "the proxy cannot be used")
    assert PASSWORD not in run.out + run.err
