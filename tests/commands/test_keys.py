"""Keys are rotated only if every given endpoint accepts the next key."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from qstash import Receiver
from qstash.errors import SignatureError

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from tests.in_process import Qstash, Run
from tests.sink import Sink
from tests.stopping import stopped_later

CURRENT, NEXT = DEV_USER.current_signing_key, DEV_USER.next_signing_key


@contextmanager
def holding(current: str, following: str) -> Iterator[tuple[str, LocalEndpoint]]:
    """Runs an endpoint with the official Receiver, and yields its URL and the endpoint."""
    receiver, where = Receiver(current, following), [""]

    def respond(request: Received) -> tuple[int, bytes]:
        try:
            receiver.verify(
                signature=request.header("upstash-signature"),
                body=request.body.decode(),
                url=where[0],
            )
        except SignatureError:
            return 401, b""
        return 200, b""

    with stopped_later(running_endpoint(respond)) as endpoint:
        where[0] = f"{endpoint.url}/hook"
        yield where[0], endpoint


@pytest.fixture
def closed_url() -> Iterator[str]:
    """A URL at which no server runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/hook"


def in_force(local: Qstash) -> dict[str, str]:
    found: dict[str, str] = local("keys", "get", "-o", "json").json
    return found


def rotate(local: Qstash, *urls: str, more: tuple[str, ...] = ("--yes",)) -> Run:
    return local("keys", "rotate", *(word for url in urls for word in ("--probe", url)), *more)


@pytest.mark.parametrize("tty", [False, True])
def test_the_variables_to_deploy_are_printed(local: Qstash, *, tty: bool) -> None:
    run = local("keys", "rotate", "--yes", tty=tty)

    keys = in_force(local)
    assert keys["current"] == NEXT
    assert run.out == (
        f"QSTASH_CURRENT_SIGNING_KEY={NEXT}\nQSTASH_NEXT_SIGNING_KEY={keys['next']}\n"
    )
    assert run.err == ("Rotated the signing keys\n" if tty else "")
    as_json = local("keys", "rotate", "--yes", "-o", "json")
    assert as_json.json == in_force(local)


def test_an_endpoint_with_both_keys_still_accepts_after_the_rotation(local: Qstash) -> None:
    with holding(CURRENT, NEXT) as (url, endpoint):
        run = rotate(local, url)
        delivered = local("publish", url, "-d", "x", "--retries", "0", "--wait")

        assert run.code == 0, run
        assert f"note: {url} accepts the next key: 200 after " in run.err
        assert in_force(local)["current"] == NEXT
        assert delivered.code == 0, delivered
        assert [r.body for r in endpoint.received] == [b"{}", b"x"]


def test_the_printed_pair_is_sufficient_for_the_next_rotation(local: Qstash) -> None:
    first = rotate(local)
    pair = dict(line.split("=", 1) for line in first.out.splitlines())

    with holding(*pair.values()) as (new, _), holding(CURRENT, NEXT) as (old, _):
        assert rotate(local, old).code == 1
        assert rotate(local, new).code == 0


def test_an_endpoint_with_only_the_current_key_prevents_the_rotation(local: Qstash) -> None:
    before = in_force(local)
    with holding(CURRENT, "sig_old") as (url, endpoint), holding(CURRENT, NEXT) as (good, _):
        run = rotate(local, good, url, url)

    assert (run.code, run.out) == (1, "")
    assert f"{url} responded with 401" in run.err.splitlines()[-2]
    assert "nothing was rotated" in run.err.splitlines()[-2]
    assert "hint: deploy the pair that `qstash keys get` prints" in run.err
    assert f"note: {good} accepts" in run.err
    assert f"warning: {url} does not accept the next key: responded with 401" in run.err
    assert good not in run.err.splitlines()[-2]
    assert len(endpoint.received) == 1
    assert in_force(local) == before
    assert not any(key in run.err for key in before.values())


def test_every_endpoint_that_does_not_accept_is_named(local: Qstash, closed_url: str) -> None:
    before = in_force(local)
    with running_endpoint(lambda _request: (302, b"")) as redirecting:
        run = rotate(local, closed_url, redirecting.url)

    assert run.code == 1
    assert f"{closed_url} did not respond: " in run.err
    assert f"{redirecting.url} responded with 302" in run.err
    assert in_force(local) == before


def test_a_slow_endpoint_does_not_accept(local: Qstash) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        run = rotate(local, url, more=("--yes", "--request-timeout", "1s"))

    assert (run.code, f"{url} did not respond: no response within 1s" in run.err) == (1, True), run


def test_the_rotation_can_be_forced(local: Qstash, closed_url: str) -> None:
    run = rotate(local, closed_url, more=("--yes", "--force"))

    assert run.code == 0, run
    assert f"warning: {closed_url} does not accept the next key" in run.err
    assert "warning: rotating anyway because of --force" in run.err
    assert in_force(local)["current"] == NEXT


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--probe", "example.com", "--yes"), "--probe: the endpoint has no http:// or https://"),
        (("--probe", "http://", "--yes"), "--probe: the destination has no host"),
        (("--force", "--yes"), "--force without --probe"),
        (("--probe", "SINK"), "not confirmed: Send a signed request to SINK, then rotate"),
    ],
)
def test_invalid_options_are_reported_before_anything_is_sent(
    local: Qstash, sink: Sink, argv: tuple[str, ...], words: str
) -> None:
    before = in_force(local)

    run = local("keys", "rotate", *(word.replace("SINK", sink.url) for word in argv))

    assert (run.code, run.out) == (2, ""), run
    assert words.replace("SINK", sink.url) in run.err
    assert sink.received == []
    assert in_force(local) == before


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 130)])
def test_the_question_names_the_endpoints(
    local: Qstash, sink: Sink, answer: bytes, code: int
) -> None:
    run = local("keys", "rotate", "--probe", sink.url, "--probe", f"{sink.url}/b", tty=True,
                stdin=answer)  # fmt: skip

    assert run.code == code, run
    assert f"Send a signed request to {sink.url} and {sink.url}/b, then rotate" in run.err
    assert len(sink.received) == (2 if code == 0 else 0)


@pytest.mark.parametrize("flag", ["--dry-run", "--curl"])
def test_a_preview_probes_no_endpoint(local: Qstash, sink: Sink, flag: str) -> None:
    before = in_force(local)

    run = rotate(local, sink.url, more=(flag,))

    assert (run.code, "/v2/keys/rotate" in run.out) == (0, True), run
    assert sink.received == []
    assert in_force(local) == before


def test_a_profile_with_old_keys_causes_a_note(local: Qstash) -> None:
    url, token = local.env.pop("QSTASH_URL"), local.env.pop("QSTASH_TOKEN")
    for name in ("prod", "bare"):
        local("config", "set", name, "--api-url", url, "--token-stdin", stdin=token.encode())
    local("config", "set", "prod", "--keys-stdin", stdin=f"{CURRENT}\n{NEXT}\n".encode())

    bare = local("keys", "rotate", "--yes", "-p", "bare")
    run = local("keys", "rotate", "--yes", "-p", "prod", "-o", "json")

    assert bare.err == ""
    assert "profile prod still has the old signing keys" in run.err
    assert "`qstash config set prod --keys-stdin` reads the new keys, one per line" in run.err
    new = "\n".join(run.json[name] for name in ("current", "next"))
    assert local("config", "set", "prod", "--keys-stdin", stdin=new.encode()).code == 0
    shown = local("config", "env", "prod", "-o", "json").json
    assert shown["QSTASH_NEXT_SIGNING_KEY"] == run.json["next"]


def test_without_a_next_key_nothing_is_rotated(qstash: Qstash, sink: Sink) -> None:
    with running_endpoint(lambda _request: (200, b'{"current":"sig_1"}')) as api:
        run = qstash("keys", "rotate", "--probe", sink.url, "--yes", "--api-url", api.url)

    assert (run.code, "unexpected response from GET /v2/keys: next is missing" in run.err) == (
        1,
        True,
    ), run
    assert [(r.method, r.path) for r in api.received] == [("GET", "/v2/keys")]
    assert sink.received == []
