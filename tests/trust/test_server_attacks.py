"""The embedded server keeps accepting and delivering under attack, and loses nothing."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.figures import Figures
from tests.sink import Sink
from tests.trust.conftest import AUTHORISED, publish, states

ATTACKS = "server, attacks"
Eventually = Callable[..., object]
GENEROUS_S = 30
# Of processor time: the slowest takes a tenth of it, and a search that does not end takes forever.
SLOW_S = 3


def to_target(http: httpx.Client, target: str) -> httpx.Request:
    """Builds a request whose path is sent unchanged."""
    extensions = {"target": target.encode()}
    return httpx.Request("POST", http.base_url, headers=AUTHORISED, extensions=extensions)


HOSTS = (
    "evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "[", "127.1", "0x7f.1",
    "2130706433", "8.8.8.8", "[::2]", "evil@127.0.0.1@evil", "127.0.0.1%00.evil", "local host",
)  # fmt: skip
ORIGINS = (
    "null", "https://evil.example", "http://localhost.evil", "file://", "localhost", "",
    "http://127.0.0.1@evil.example", "http://[", "http://evil.example#localhost", "\xff",
)  # fmt: skip
TOKENS = (
    "", "Bearer", "Bearer wrong", f"Basic {DEV_USER.token}", DEV_USER.token,
    f"Bearer {DEV_USER.token}x", f"Bearer {DEV_USER.token[:-1]}", "Bearer \xff", "Bearer null",
    f"Bearer {DEV_USER.token} x", f"bearer,{DEV_USER.token}",
)  # fmt: skip


def test_foreign_origins_and_wrong_tokens_are_rejected(
    http: httpx.Client, figures: Figures
) -> None:
    right = (f"127.0.0.1:{http.base_url.port}", None, f"Bearer {DEV_USER.token}")
    wrong = [
        *itertools.product(HOSTS, (None, *ORIGINS[:3]), (right[2], *TOKENS[:3])),
        *itertools.product((right[0],), ORIGINS, (right[2], *TOKENS)),
        *itertools.product((right[0],), (None,), TOKENS),
    ]
    reached = []
    for host, origin, token in wrong:
        given = [("Host", host), ("Authorization", token)]
        given += [("Origin", origin)] if origin is not None else []
        headers = [(name.encode(), value.encode("latin-1")) for name, value in given]
        request = httpx.Request("GET", f"{http.base_url}/v2/keys", headers=headers)
        response = http.send(request)
        if response.status_code not in {400, 401, 403, 421} or not response.json()["error"]:
            reached.append((host, origin, token, response.status_code))

    figures(ATTACKS, cases=len(wrong), failures=len(reached))
    assert reached == []
    assert http.get("/v2/keys").status_code == 200


PATHS = (
    "/../../v2/keys", "/x//v2//keys", "/%2e%2e/%2e%2e/x", "/a?b=c&d", "/%00", "/%0d%0aX:%20y",
    "/a;b=c", "/http://evil.example/", "/?", "/a?qstash=1", "/%ff", "/.", "/a%2Fb", "/@evil",
    "/\\x",
)  # fmt: skip


def test_unusual_destination_paths_are_delivered_unchanged(
    http: httpx.Client, sink: Sink, eventually: Eventually, figures: Figures
) -> None:
    base = f"/v2/publish/{sink.url}"
    for path in PATHS:
        assert http.send(to_target(http, f"{base}{path}")).status_code == 201, path

    eventually(lambda: len(sink.received) >= len(PATHS))
    lost = {path.removesuffix("?") for path in PATHS} - {
        r.path.removesuffix("?") for r in sink.received
    }
    figures(ATTACKS, cases=len(PATHS), failures=len(lost))
    assert lost == set()


INJECTED = ("a\r\nInjected: yes", "a\nInjected: yes", "a\rInjected: yes", "a\x00b", "\x7f")


def test_headers_cannot_be_injected_into_a_delivery(
    http: httpx.Client, sink: Sink, eventually: Eventually, figures: Figures
) -> None:
    names = ("Upstash-Forward-X", "Upstash-Callback-Forward-X", "Upstash-Label", "Upstash-Method")
    tried = list(itertools.product(names, INJECTED)) + [
        (f"Upstash-Forward-{name}", "x") for name in ("X: y\r\nInjected", "a b", "é", "a\x00b")
    ]
    accepted = []
    for name, value in tried:
        item = {"destination": f"{sink.url}/batch", "headers": {name: value}}
        accepted += http.post("/v2/batch", json=[item]).json()
        accepted.append(http.post(f"/v2/publish/{sink.url}/query", params={name: value}).json())
        http.patch("/v2/topics/g", json={"headers": {name: value}})
    ids = {publish(http, f"{sink.url}/after")}
    ids |= {one["messageId"] for one in accepted if "messageId" in one}

    eventually(lambda: ids <= {r.header("upstash-message-id") for r in sink.received})
    injected = [r for r in sink.received if r.header("injected")]
    figures(ATTACKS, cases=3 * len(tried), failures=len(injected))
    assert injected == []


def test_publishers_cannot_set_framing_or_host_of_a_delivery(
    http: httpx.Client, sink: Sink, eventually: Eventually, figures: Figures
) -> None:
    forwarded = {
        "Upstash-Forward-Content-Length": "1",
        "Upstash-Forward-Transfer-Encoding": "chunked",
        "Upstash-Forward-Host": "evil.example",
        "Upstash-Forward-Connection": "upgrade",
        "Upstash-Forward-Upgrade": "h2c",
        "Upstash-Forward-Upstash-Signature": "forged",
        "X-Forwarded-For": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
    }
    http.post(f"/v2/publish/{sink.url}", headers=forwarded, content=b"the body").raise_for_status()

    eventually(lambda: sink.received)
    (got,) = sink.received
    figures(ATTACKS, cases=len(forwarded))
    assert got.body == b"the body"
    names = [name.lower() for name, _ in got.headers]
    assert names.count("content-length") == names.count("host") == 1
    assert not {"transfer-encoding", "upgrade"} & set(names)
    assert got.header("host") == urlsplit(sink.url).netloc
    assert got.header("upstash-caller-ip") == "127.0.0.1"
    assert "forged" not in got.header("upstash-signature")


EXPRESSIONS = (
    "9**9**9", "pow(10,308)*pow(10,308)", "pow(pow(10,300),9)", "exp(999999)", "1/0", "sqrt(-1)",
    "ceil(1e308)" + "*ceil(1e308)" * 35, "(" * 250 + "1" + ")" * 249, "-" * 499 + "1",
    "-" * 300 + "1", "+" * 150 + "1", "1" + "+1" * 249, "max(" * 90 + "1" + ")" * 90,
    "round(retried/0)",     "retried[0]",
    "'a'*999999999", "[0]*9999999", "().__class__.__bases__", "lambda: 1", "open('/etc/passwd')",
    "pow(0,retried-1)", "1%0", "round(1.5,99999999999)", "abs(abs)", "min()", "1 if retried else 2",
    "retried.__class__", "1e308*10", "-1e308*10", "f'{retried}'", "0x" + "f" * 400, "9" * 499,
    "\u0661",
)  # fmt: skip


def test_expression_bombs_are_rejected_or_fall_back(
    http: httpx.Client, sink: Sink, eventually: Eventually, figures: Figures
) -> None:
    sink.statuses = [500]
    began_at = time.process_time()
    accepted = []
    for expression in EXPRESSIONS:
        headers = {"Upstash-Retry-Delay": expression, "Upstash-Retries": "1"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        response = http.post(f"/v2/publish/{sink.url}", headers=raw)
        assert response.status_code in {201, 400}, (expression, response.text)
        accepted += [response.json()["messageId"]] if response.status_code == 201 else []

    def lost() -> list[str]:
        return [one for one in accepted if not {"RETRY", "FAILED"} & set(states(http, one))]

    eventually(lambda: not lost())
    figures(ATTACKS, cases=len(EXPRESSIONS), failures=len(lost()))
    # The server is in this process. A bomb that is evaluated takes minutes of processor time.
    assert time.process_time() - began_at < GENEROUS_S


CRONS = (
    "59 23 31 2 *", "0 0 30 2 *", "0 0 29 2 *", "0 0 29 2 */7", "0 0 */31 2 1#5", "0 0 31 */2 *",
    ",".join(["*"] * 9000) + " * * * *", "*/1" * 9000 + " * * * *", "9" * 5000 + " * * * *",
    "0-59," * 9000 + "1 * * * *", "1/" * 900 + "1 * * * *", "0 0 * * 1#1/2", "0 0 * * 1L-2",
    "0 0 L-3 * *", "0 0 * * L", "0 0 LW 2 1#5", "-1 * * * *", "* * * * * *", "@every 1ns",
    "@reboot", "CRON_TZ=../../../etc/passwd * * * * *", "CRON_TZ=/dev/zero * * * * *",
    "TZ= * * * * *", "CRON_TZ=Europe * * * * *", f"CRON_TZ={'A' * 9000} * * * * *",
    "CRON_TZ=zone.tab * * * * *",
    "CRON_TZ=UTC CRON_TZ=UTC * * * * *", "\u0661 * * * *", "\u00b2 * * * *", "* * * * \u00df",
    "*/0 * * * *", "*/99999999999999999999 * * * *", "5-1 * * * *", "", "0 0 1 1 0,L",
)  # fmt: skip


def test_cron_bombs_are_rejected_or_harmless(
    http: httpx.Client, sink: Sink, eventually: Eventually, figures: Figures
) -> None:
    slow = []
    for cron in CRONS:
        began_at = time.process_time()
        headers = [(b"Upstash-Cron", cron.encode())]
        response = http.post(f"/v2/schedules/{sink.url}", headers=headers)
        assert response.status_code in {201, 400}, (cron, response.text)
        took_s = time.process_time() - began_at
        slow += [(cron[:40], took_s)] if took_s > SLOW_S else []
    publish(http, f"{sink.url}/after")

    eventually(lambda: "/after" in [r.path for r in sink.received])
    figures(ATTACKS, cases=len(CRONS), failures=len(slow))
    assert slow == []


def test_oversized_requests_are_rejected(http: httpx.Client, sink: Sink, figures: Figures) -> None:
    target = f"/v2/publish/{sink.url}"
    cases = {
        "a header of 1 MB": http.post(target, headers={"Upstash-Forward-X": "x" * 1_000_000}),
        "a path of 1 MB": http.send(to_target(http, f"{target}/{'x' * 1_000_000}")),
        "a body of 51 MB": http.post(target, content=bytes(51 * 1_048_576)),
        "JSON that is deep": http.post("/v2/batch", content=b"[" * 100_000),
        "1,000 ids": http.request("DELETE", "/v2/dlq", json={"dlqIds": ["1-1"] * 100_000}),
        "labels": http.request("DELETE", "/v2/messages", json={"label": ["a"] * 1200}),
        "a number": http.post("/v2/queues", json={"queueName": "q", "parallelism": 10**30}),
    }
    with socket.create_connection(("127.0.0.1", http.base_url.port or 0)) as connection:
        head = f"POST /v2/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**12}\r\n"
        token = f"Authorization: Bearer {DEV_USER.token}\r\n\r\n"
        connection.sendall((head + token).encode())
        announced = connection.recv(4096)

    taken = [
        name for name, response in cases.items() if response.status_code not in {400, 412, 413}
    ]
    figures(ATTACKS, cases=len(cases) + 1, failures=len(taken))
    assert taken == []
    assert all(response.json()["error"] for response in cases.values())
    assert announced.startswith(b"HTTP/1.1 413 ")
