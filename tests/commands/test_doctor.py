from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from qstash_cli.commands.doctor.command import report
from qstash_cli.output.result import Result
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.commands.api_server import HEALTHY, api_server
from tests.in_process import Qstash, Run

# In the format of QStash's tokens: the base64 of a user name and a password.
TOKEN = "eyJVc2VySUQiOiJhIiwiUGFzc3dvcmQiOiJzZWNyZXQtb2YtYSJ9"
REDIS = "AVcYASQgYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNk"


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """An embedded server shared by all tests here, none of which changes its data."""
    with running_server(ServerConfig(port=0)) as url:
        yield url


def checks(run: Run) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in run.json}


def statuses(run: Run) -> dict[str, str]:
    return {name: check["status"] for name, check in checks(run).items()}


def doctor(qstash: Qstash, url: str, *flags: str, token: str = TOKEN, **env: Any) -> Run:
    run = qstash("doctor", *flags, "-o", "json", QSTASH_URL=url, QSTASH_TOKEN=token, **env)
    assert token not in run.out + run.err
    return run


def test_every_check_passes_with_the_embedded_server(local: Qstash) -> None:
    run = local("doctor", "-o", "json")

    assert run.code == 0, run
    assert set(statuses(run).values()) == {"ok", "skipped"}
    skipped = {name for name, status in statuses(run).items() if status == "skipped"}
    assert skipped == {"certificates", "tls", "region"}
    assert checks(run)["region"]["detail"] == "the server is on this machine"
    assert checks(run)["permissions"]["detail"] == "the token may read and publish"
    assert list(run.json[0]) == ["check", "status", "detail", "fix"]


def test_dev_checks_the_development_server(qstash: Qstash, server_url: str) -> None:
    run = qstash("doctor", "--dev", QSTASH_DEV_PORT=server_url.rpartition(":")[2])

    assert run.code == 0, run
    assert "credentials\tok\tthe development server: selected by --dev" in run.out


def test_missing_credentials_fail_and_dependent_checks_are_skipped(qstash: Qstash) -> None:
    run = qstash("doctor", "--dry-run", "-o", "json")

    assert run.code == 3, run
    assert checks(run)["credentials"]["detail"] == "no credentials found"
    assert statuses(run)["token"] == "skipped"


def test_an_unknown_profile_has_no_url_to_check(qstash: Qstash) -> None:
    run = qstash("doctor", "-p", "nobody", "-o", "json")

    assert run.code == 3, run
    assert checks(run)["credentials"]["detail"] == "profile not found: nobody"
    assert statuses(run)["api"] == "skipped"


def test_an_invalid_token_is_reported_with_a_fix(local: Qstash) -> None:
    run = doctor(local, local.env["QSTASH_URL"])

    assert run.code == 3, run
    refused = checks(run)["authentication"]
    assert refused["status"] == "failure"
    assert refused["detail"].startswith("the token of QSTASH_TOKEN is refused: unable to")
    assert "console" in refused["fix"]
    assert (statuses(run)["permissions"], statuses(run)["api"]) == ("skipped", "ok")
    assert (
        "hint: copy QSTASH_TOKEN from the console again" in local("doctor", QSTASH_TOKEN=TOKEN).err
    )


def test_a_closed_port_is_unreachable_and_the_other_checks_are_skipped(qstash: Qstash) -> None:
    run = doctor(qstash, "http://127.0.0.1:9")

    assert run.code == 6, run
    assert checks(run)["api"]["fix"] == "start the server with `qstash dev`"
    assert checks(run)["signing-keys"]["detail"] == "the API does not respond"
    assert json.loads(run.err)["code"] == "unreachable"


def test_a_name_without_an_address_is_unreachable(qstash: Qstash) -> None:
    run = doctor(qstash, "https://qstash.invalid")

    assert run.code == 6, run
    assert checks(run)["dns"]["detail"].startswith("qstash.invalid has no address")
    assert {statuses(run)[name] for name in ("tls", "api", "region")} == {"skipped"}


def test_a_server_that_never_responds_is_abandoned(qstash: Qstash) -> None:
    with api_server(is_late=True) as api:
        run = doctor(qstash, api.url, "--request-timeout", "1s")

    assert run.code == 6, run
    assert "no response within 1s" in checks(run)["api"]["detail"]
    assert statuses(run)["authentication"] == "skipped"
    assert len(api.requests) <= 1


@pytest.mark.parametrize(
    ("ahead_s", "status", "words"),
    [
        (0, "ok", "agrees"),
        (60, "warning", "60s behind the server"),
        (-60, "warning", "60s ahead of the server"),
        (3600, "failure", "3,600s behind"),
    ],
)
def test_a_wrong_clock_is_reported(qstash: Qstash, ahead_s: float, status: str, words: str) -> None:
    qstash.now = lambda: 1_796_000_000.0
    with api_server(now=qstash.now, ahead_s=ahead_s) as api:
        run = doctor(qstash, api.url)

    found = checks(run)["clock"]
    assert found["status"] == status
    assert words in found["detail"], found
    assert run.code == (1 if status == "failure" else 0), run


@pytest.fixture
def encrypted() -> tuple[trustme.CA, ssl.SSLContext]:
    """An authority that nobody trusts, and the TLS context of a server with its certificate."""
    authority = trustme.CA(organization_name="Unheard Of")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return authority, context


def test_a_certificate_of_an_unknown_authority_is_reported_and_no_token_is_sent(
    qstash: Qstash, encrypted: tuple[trustme.CA, ssl.SSLContext]
) -> None:
    with api_server(certificate=encrypted[1]) as api:
        run = doctor(qstash, api.url)

    assert run.code == 6, run
    assert checks(run)["tls"]["detail"].startswith("the certificate is not trusted: ")
    assert "SSL_CERT_FILE" in checks(run)["tls"]["fix"]
    assert statuses(run)["api"] == "skipped"
    assert api.requests == []


def test_a_certificate_of_an_authority_in_ssl_cert_file_is_trusted(
    qstash: Qstash,
    encrypted: tuple[trustme.CA, ssl.SSLContext],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = str(tmp_path / "authority.pem")
    encrypted[0].cert_pem.write_to_path(file)
    # The TLS library reads this variable from the process.
    monkeypatch.setenv("SSL_CERT_FILE", file)
    with api_server(certificate=encrypted[1]) as api:
        run = doctor(qstash, api.url, SSL_CERT_FILE=file)

    assert run.code == 0, run
    assert "the certificate of Unheard Of" in checks(run)["tls"]["detail"]
    assert checks(run)["certificates"]["detail"] == f"SSL_CERT_FILE: {file}"


def examined(qstash: Qstash, regions: Mapping[str, str], url: str) -> Result:
    return report(qstash.invocation(QSTASH_URL=url, QSTASH_TOKEN=TOKEN).ctx, regions)


def check_of(result: Result, name: str) -> Mapping[str, Any]:
    assert not isinstance(result.data, Mapping)
    return next(check for check in result.data if check["check"] == name)


def test_a_token_of_the_other_region_is_reported_with_its_fix(qstash: Qstash) -> None:
    with api_server(accepts="other") as eu, api_server(accepts=TOKEN) as us:
        regions = {"eu-central-1": eu.url, "us-east-1": us.url}

        result = examined(qstash, regions, eu.url)

    region = check_of(result, "region")
    assert region["status"] == "failure"
    assert region["detail"] == "the token belongs to the region us-east-1, not to eu-central-1"
    assert region["fix"] == f"export QSTASH_URL={us.url}"
    error = result.final_error()
    assert error is not None
    assert (error.exit_code, check_of(result, "authentication")["status"]) == (
        3, "failure",
    )  # fmt: skip


def test_the_fix_for_a_profile_is_a_command_that_repairs_it(qstash: Qstash) -> None:
    with api_server(accepts="other") as eu, api_server(accepts=TOKEN) as us:
        regions = {"eu-central-1": eu.url, "us-east-1": us.url}
        qstash("config", "set", "prod", "--api-url", eu.url, "--token-stdin", stdin=TOKEN.encode())
        ctx = qstash.invocation().ctx

        fix = check_of(report(ctx, regions), "region")["fix"]
        mended = qstash(*str(fix).split()[1:])

        assert mended.code == 0, mended
        assert (
            check_of(report(qstash.invocation().ctx, regions), "authentication")["status"] == "ok"
        )


def test_an_accepted_token_is_not_sent_to_another_region(qstash: Qstash) -> None:
    with api_server() as eu, api_server() as us:
        result = examined(qstash, {"eu-central-1": eu.url, "us-east-1": us.url}, eu.url)

    assert check_of(result, "region")["detail"] == "eu-central-1"
    assert us.requests == []


def test_a_token_of_another_host_is_not_tried_in_the_regions(qstash: Qstash) -> None:
    with api_server(accepts="other") as own, api_server() as us:
        result = examined(qstash, {"us-east-1": us.url}, own.url)

    assert check_of(result, "region")["status"] == "skipped"
    assert us.requests == []


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r", "a signing key"),
        ("QSTASH_TOKEN=abc", "a NAME=value line"),
        ('abc"', "quoted text"),
        ("https://qstash.upstash.io", "a URL"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJVcHN0YXNoIn0.c2ln", "a JWT"),
        ("123e4567-e89b-12d3-a456-426614174000", "a management API key"),
    ],
)
def test_a_value_that_is_not_a_token_is_reported_and_not_sent(
    qstash: Qstash, token: str, words: str
) -> None:
    with api_server() as api:
        run = doctor(qstash, api.url, token=token)

    assert run.code == 3, run
    assert words in run.out
    assert all(sent != f"Bearer {token}" for _, _, sent in api.requests)


def test_a_redis_token_is_recognised(qstash: Qstash) -> None:
    with api_server(accepts="other") as api:
        run = doctor(qstash, api.url, token=REDIS)

    assert "looks like the token of a Redis database" in checks(run)["token"]["detail"]


def test_quotes_around_the_token_cause_a_warning(local: Qstash) -> None:
    run = local("doctor", "-o", "json", QSTASH_TOKEN=f'"{DEV_USER.token}"')

    assert run.code == 0, run
    assert checks(run)["credentials"]["status"] == "warning"
    assert "QSTASH_TOKEN has quotes or spaces" in checks(run)["credentials"]["detail"]


def test_a_read_only_token_causes_a_warning(qstash: Qstash) -> None:
    responses = {**HEALTHY, ("POST", "/v2/publish"): (403, {"error": "read-only token"}),
               ("GET", "/v2/keys"): (403, {"error": "read-only token"})}  # fmt: skip
    with api_server(responses=responses) as api:
        run = doctor(qstash, api.url, QSTASH_CURRENT_SIGNING_KEY="sig_x")

    assert run.code == 0, run
    assert checks(run)["permissions"]["status"] == "warning"
    assert "may not read those of the account" in checks(run)["signing-keys"]["detail"]


def test_another_kind_of_server_is_reported(qstash: Qstash) -> None:
    with api_server(responses={("GET", "/"): (200, b"<html>")}) as api:
        run = doctor(qstash, api.url)

    assert run.code == 1, run
    assert "unlike QStash" in checks(run)["api"]["detail"]


def test_an_invalid_configuration_is_reported_and_ends_the_checks(qstash: Qstash) -> None:
    qstash.home.mkdir()
    (qstash.home / "config.toml").write_text("default = [")

    run = qstash("doctor", "-o", "json")

    assert run.code == 1, run
    assert "not valid TOML" in checks(run)["config"]["detail"]
    assert set(statuses(run).values()) == {"ok", "failure", "skipped"}


def test_a_readable_configuration_is_made_private_with_a_warning(local: Qstash) -> None:
    local("config", "set", "prod", "--token-stdin", stdin=TOKEN.encode())
    (local.home / "config.toml").chmod(0o644)

    run = local("doctor", "-o", "json")

    assert "changed the mode to 600" in run.err
    assert (local.home / "config.toml").stat().st_mode & 0o777 == 0o600
    assert checks(run)["config"]["status"] == "ok"
    assert "it comes before profile prod" in checks(run)["credentials"]["detail"]


def test_a_dry_run_sends_nothing(qstash: Qstash) -> None:
    with api_server() as api:
        run = doctor(qstash, api.url, "--dry-run")

    assert (run.code, api.requests) == (0, [])
    assert statuses(run)["api"] == "skipped"


def test_a_terminal_displays_every_fix_in_full_below_its_check(local: Qstash) -> None:
    run = local("doctor", tty=True, columns=60, QSTASH_TOKEN=TOKEN, NO_COLOR="1")

    lines = run.out.splitlines()
    assert lines[0].split() == ["CHECK", "STATUS", "DETAIL"]
    assert max(len(line) for line in lines) <= 60
    assert any(line.split()[:2] == ["fix", "copy"] for line in lines)
    assert "…" not in run.out.replace("eyJV…J9", "")


def test_text_of_a_server_cannot_move_the_cursor(qstash: Qstash) -> None:
    responses = {("GET", "/v2/logs"): (401, {"error": "\x1b[2Jwiped"})}
    with api_server(responses=responses) as api:
        run = qstash("doctor", tty=True, QSTASH_URL=api.url, QSTASH_TOKEN=TOKEN, NO_COLOR="1")

    assert "\x1b" not in run.out + run.err
    assert r"\x1b[2Jwiped" in run.out


@pytest.mark.parametrize(
    ("name", "value"), [("SSL_CERT_FILE", "/nowhere"), ("HTTPS_PROXY", "http://me:hush@a:x")]
)
def test_commands_name_the_variable_that_prevents_a_connection(
    qstash: Qstash, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # httpx reads both variables from the process.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(name, value)

    run = qstash("logs", "--token", TOKEN)

    assert (run.code, name in run.err, "hush" in run.err) == (2, True, False), run


def test_a_narrow_terminal_has_the_details_and_fixes(local: Qstash) -> None:
    local.env.pop("QSTASH_NEXT_SIGNING_KEY")

    run = local("doctor", tty=True, columns=40, NO_COLOR="1")

    assert "DETAIL" in run.out
    assert max(map(len, run.out.splitlines())) <= 40
