"""The errors that the documentation quotes are word for word those that the program prints."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docs.generate.pages import DOCS
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.limits import PLANS
from qstash_cli.protocol.signature import sign
from qstash_cli.server.http.local_endpoint import running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests.in_process import Qstash

BLOCKS = re.findall(r"```text\n(.*?)```", (DOCS / "troubleshooting.md").read_text(), re.DOTALL)
URL, KEY = "https://example.com/hook", DEV_USER.current_signing_key
# The guide writes an address that tests cannot use.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def limited() -> Iterator[str]:
    """A server with the limits of the free plan, but of one message a day."""
    limits = PLANS["free"]._replace(messages_per_day=0)
    with running_server(ServerConfig(port=0, limits=limits)) as url:
        yield url


@pytest.fixture(scope="module")
def protected() -> Iterator[str]:
    """A server whose deliveries to example.com get a login page."""
    with (
        running_endpoint(lambda _request: (401, b"<html>Log in</html>")) as endpoint,
        running_server(
            ServerConfig(port=0, routes=(("https://example.com", endpoint.url),))
        ) as url,
    ):
        yield url


def signature_of(body: bytes, *, url: str = URL, key: str = KEY, age_s: float = 0) -> str:
    return sign(key, url=url, body=body, now=time.time() - age_s, token_id="jwt_1")


@pytest.fixture
def printed(tmp_path: Path, limited: str, protected: str) -> dict[str, Callable[[], str]]:
    """What the program prints, by the beginning of the block that quotes it."""
    qstash = Qstash(tmp_path, env={"QSTASH_CURRENT_SIGNING_KEY": KEY})

    def run(*argv: str, url: str = protected, token: str = DEV_USER.token) -> Callable[[], str]:
        return lambda: qstash(*argv, QSTASH_URL=url, QSTASH_TOKEN=token).err

    to_group = ("api", "POST", "/v2/publish/example.com/hook")
    with_id = ("api", "POST", f"/v2/publish/{URL}", "-H", "Upstash-Deduplication-Id: order:1")
    wait = ("--retries", "0", "--wait")
    return {
        "error: the destination has no": run("publish", "example.com/hook"),
        "invalid destination url": run(*to_group),
        "error: the destination is a loopback": run(
            "publish", "http://localhost:3000/hook", url="https://qstash.upstash.io"
        ),
        "error: QStash does not accept": run("queue", "list", token="of-the-other-region"),
        "warning: QSTASH_TOKEN has quotes": run("queue", "list", token=f'"{DEV_USER.token}"'),
        "note: body: the JSON": run(
            "verify", "--signature", signature_of(b'{"id":1}'), "--body", '{"id": 1}'
        ),
        "failed: 401": run("publish", URL, *wait),
        "failed after 1 attempt: name": run("publish", "http://app.invalid:3000/", *wait),
        "error: quota maxRetries": run("publish", URL, "--retries", "20", url=limited),
        "error: too many requests: daily": run("publish", URL, "--max-wait", "0", url=limited),
        "error: --dedup-id": run("publish", URL, "--dedup-id", "order:1"),
        "DeduplicationId": run(*with_id),
        "error: no server is listening": lambda: run("queue", "list", url=NOBODY)().replace(
            NOBODY, "http://127.0.0.1:8080"
        ),
        "error: topic team": run("publish", "team", "a=1"),
        "error: message msg_1": run("message", "get", "msg_1"),
    }


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip()[:40])
def test_the_error_is_what_the_program_prints(
    block: str, printed: dict[str, Callable[[], str]]
) -> None:
    [show] = [show for start, show in printed.items() if block.startswith(start)]

    text = show().replace("limit: 0 ", "limit: 1000 ")

    assert block.strip() in text


GUIDE = (DOCS / "guides/invalid-signatures.md").read_text()
CAUSES = re.findall(r"^\| `(the .*?)` \|", GUIDE, re.MULTILINE)
FOREIGN = "sig_of_another_account_or_region"
COMPACT, SPACED = b'{"id":1}', '{"id": 1}'
# The arguments of `verify` for each cause in the guide.
ARGUMENTS = {
    "the body is empty": ("--signature", signature_of(COMPACT), "--body", ""),
    "the JSON was": ("--signature", signature_of(COMPACT), "--body", SPACED),
    "the scheme is": ("--signature", signature_of(b"x"), "--body", "x", "--url", "http" + URL[5:]),
    "the host is": (
        "--signature", signature_of(b"x"), "--body", "x", "--url", "https://127.0.0.1/hook",
    ),
    "the trailing slash": ("--signature", signature_of(b"x"), "--body", "x", "--url", f"{URL}/"),
    "the query": (
        "--signature", signature_of(b"x", url=f"{URL}?a=1"), "--body", "x", "--url", URL,
    ),
    "the token is not": ("--signature", signature_of(b"x", key=FOREIGN), "--body", "x"),
    "the token is signed": (
        "--signature", signature_of(b"x"), "--body", "x", "--current-key", FOREIGN,
    ),
    "the current key": (
        "--signature", signature_of(b"x", key=FOREIGN), "--body", "x",
        "--current-key", DEV_USER.token,
    ),
    "the signature expired": ("--signature", signature_of(b"x", age_s=400), "--body", "x"),
}  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_the_cause_is_what_verify_reports(cause: str, qstash: Qstash) -> None:
    [arguments] = [found for start, found in ARGUMENTS.items() if cause.startswith(start)]

    printed = qstash("verify", *arguments, QSTASH_CURRENT_SIGNING_KEY=KEY).err

    # The number of seconds depends on when the test runs.
    assert re.sub(r"\d+ s before", "N s before", cause) in re.sub(
        r"\d+ s before", "N s before", printed
    )
    assert len(CAUSES) == len(ARGUMENTS)
