"""`probe` distinguishes handlers that verify signatures from handlers that do not."""

from __future__ import annotations

import socket
from collections.abc import Callable

import jwt
import pytest
from qstash import Receiver
from qstash.errors import SignatureError

from qstash_cli.errors import ExitCode
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from tests.in_process import Qstash, Run
from tests.sink import Sink

Respond = Callable[[Received], tuple[int, bytes]]
RECEIVER = Receiver(DEV_USER.current_signing_key, DEV_USER.next_signing_key)


def handler(url: Callable[[], str | None], *, next_key: bool = True) -> Respond:
    receiver = RECEIVER if next_key else Receiver(DEV_USER.current_signing_key, "sig_old")

    def respond(request: Received) -> tuple[int, bytes]:
        try:
            receiver.verify(
                signature=request.header("upstash-signature"),
                body=request.body.decode(),
                url=url(),
            )
        except SignatureError:
            return 401, b""
        return 200, b""

    return respond


def outcomes(run: Run) -> dict[str, str]:
    return {row["probe"]: row["outcome"] for row in run.json}


def test_a_handler_with_the_official_receiver_passes(qstash: Qstash) -> None:
    where: list[str] = []
    with running_endpoint(handler(lambda: where[0])) as endpoint:
        where.append(f"{endpoint.url}/hook")
        run = qstash("probe", where[0], "--dev", "-o", "json")

    assert run.code == 0, run
    assert len(run.json) == 11
    assert set(outcomes(run).values()) == {"pass"}


@pytest.mark.parametrize(
    ("respond", "failed"),
    [
        (handler(lambda: None), {"another sub"}),
        (handler(lambda: None, next_key=False), {"another sub", "next key"}),
        (lambda _request: (401, b""), {"current key", "next key"}),
    ],
)
def test_every_mistake_of_a_handler_is_reported(
    qstash: Qstash, respond: Callable[..., tuple[int, bytes]], failed: set[str]
) -> None:
    with running_endpoint(respond) as endpoint:
        run = qstash("probe", endpoint.url, "--dev", "-o", "json")

    assert run.code == 1, run
    assert {name for name, outcome in outcomes(run).items() if outcome == "fail"} == failed
    assert all(name in run.err for name in failed)


def test_a_handler_that_lets_the_token_choose_its_hmac_gets_a_warning(qstash: Qstash) -> None:
    """The official TypeScript SDK does so. Only the owner of the key can make such a token."""
    where: list[str] = []
    verified = handler(lambda: where[0])

    def respond(request: Received) -> tuple[int, bytes]:
        token = request.header("upstash-signature")
        is_hs512 = token.count(".") == 2 and jwt.get_unverified_header(token)["alg"] == "HS512"
        return (200, b"") if is_hs512 else verified(request)

    with running_endpoint(respond) as endpoint:
        where.append(f"{endpoint.url}/hook")
        run = qstash("probe", where[0], "--dev", "-o", "json")

    assert run.code == 0, run
    assert outcomes(run).pop("alg HS512") == "warning"
    assert list(outcomes(run).values()).count("pass") == 10
    assert "alg HS512: accepted" in run.err


def test_a_handler_that_fails_on_another_hmac_fails_the_probe(qstash: Qstash) -> None:
    with running_endpoint(lambda _request: (500, b"")) as endpoint:
        run = qstash("probe", endpoint.url, "--dev", "-o", "json")

    assert outcomes(run)["alg HS512"] == "fail"


def test_a_handler_that_accepts_everything_fails_every_forgery(qstash: Qstash, sink: Sink) -> None:
    run = qstash("probe", sink.url, "--dev", "-o", "json")

    assert run.code == 1
    assert {name for name, outcome in outcomes(run).items() if outcome != "fail"} == {
        "alg HS512",
        "current key",
        "next key",
    }


def test_other_machines_need_a_confirmation_and_keys_are_required(
    qstash: Qstash, sink: Sink
) -> None:
    assert qstash("probe", "https://example.com/hook", "--dev").code == 2
    assert qstash("probe", sink.url).code == 3
    assert qstash("probe", "example.com").code == 2
    assert sink.received == []


def test_an_endpoint_that_cannot_be_reached_is_reported_once(qstash: Qstash) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        run = qstash("probe", url, "--dev")

    assert run.code == ExitCode.UNREACHABLE
    assert run.out == ""
    assert run.err == (
        f"error: the endpoint cannot be reached: connection refused: {url}\n"
        "hint: start the endpoint, or check its URL\n"
    )
