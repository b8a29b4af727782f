from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.cells import cell_len
from rich.text import Text

from qstash_cli.client import body_limits
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from tests import plain_http
from tests.in_process import Qstash
from tests.sink import Sink

URL = "https://example.com"


def test_the_log_lists_every_step_newest_first(local: Qstash, sink: Sink) -> None:
    message_id = local("publish", sink.url, "--wait").out.strip()

    run = local("logs", "--message", message_id, "--columns", "state,messageId")

    assert run.out.splitlines() == [
        f"{state}\t{message_id}" for state in ("DELIVERED", "ACTIVE", "CREATED")
    ]


def test_filters_apply_to_the_log(local: Qstash, sink: Sink) -> None:
    local("publish", f"{sink.url}/a", "--label", "one,two", "--wait")
    local("publish", f"{sink.url}/b", "--wait")

    def states(*flags: str) -> str:
        return local("logs", *flags, "--columns", "state,url").out

    assert states("--label", "two", "--state", "delivered") == f"DELIVERED\t{sink.url}/a\n"
    assert states("--url", f"{sink.url}/b", "--state", "created") == f"CREATED\t{sink.url}/b\n"
    assert states("--until", "1h") == ""
    assert states("--since", "1h").count("\n") == 6


def test_every_format_has_the_same_entries(local: Qstash, sink: Sink) -> None:
    local("publish", sink.url, "--wait")

    assert len(local("logs", "-o", "json").json) == 3
    assert local("logs", "-o", "jsonl").out.count("\n") == 3
    assert local("logs", "-o", "csv").out.count("\n") == 4
    assert len(set(local("logs", "-q").out.split())) == 1
    assert "✓ delivered" in local("logs", tty=True, columns=40).out


def test_messages_can_be_cancelled_by_id_and_by_filter(local: Qstash, sink: Sink) -> None:
    first = local("publish", sink.url, "--delay", "1h").out.strip()
    local("publish", sink.url, "--delay", "1h", "--label", "x")
    local("publish", sink.url, "--delay", "1h", "--label", "y")

    assert local("message", "get", first, "--query", "url").json == sink.url
    assert local("message", "cancel", first).out == "1\n"
    assert local("message", "cancel", first).code == 4
    assert local("message", "cancel", "--label", "x", "--yes").out == "1\n"
    assert local("message", "cancel", "--all", "--yes").out == "1\n"
    assert local("message", "wait", first).code == 8


def test_messages_are_listed_with_their_steps(local: Qstash, sink: Sink) -> None:
    first = local("publish", f"{sink.url}/a", "--label", "x", "--wait").out.strip()
    lost = local("publish", "http://127.0.0.1:9/b", "--retries", "0", "--wait").out.strip()

    messages = local("logs", "--by-message", "-o", "json").json
    failed = local("logs", "--by-message", "--state", "failed", "-o", "json").json
    table = local("logs", "--by-message", tty=True, columns=200).out
    rows = local("logs", "--by-message", "--limit", "1")

    assert [message["messageId"] for message in messages] == [lost, first]
    assert [entry["state"] for entry in messages[1]["entries"]] == [
        "CREATED",
        "ACTIVE",
        "DELIVERED",
    ]
    assert messages[1]["durationMs"] == (
        messages[1]["entries"][-1]["time"] - messages[1]["startedAt"]
    )
    assert [message["messageId"] for message in failed] == [lost]
    assert failed[0]["entries"][0]["state"] == "CREATED"
    assert "CREATED, ACTIVE +" in table
    assert "DELIVERED 200 +" in table
    assert rows.out.count("\n") == 1
    assert "showing the newest 1; use --all for the rest" in rows.err


def test_statistics_count_states_failures_and_delivery_times(local: Qstash, sink: Sink) -> None:
    for _ in range(3):
        local("publish", f"{sink.url}/a", "--wait")
    local("publish", "http://127.0.0.1:9/b", "--retries", "0", "--wait")

    numbers = local("logs", "--stats", "-o", "json").json
    table = local("logs", "--stats", tty=True, columns=80).out
    rows = local("logs", "--stats").out

    assert numbers["messages"] == 4
    assert numbers["states"]["DELIVERED"] == 3
    assert numbers["failing"] == [{"destination": "http://127.0.0.1:9/b", "failed": 1}]
    assert numbers["deliveryMs"]["count"] == 3
    assert 0 <= numbers["deliveryMs"]["p50"] <= numbers["deliveryMs"]["max"] < 600_000
    assert "█" in table
    assert max(cell_len(line) for line in Text.from_ansi(table).plain.splitlines()) <= 80
    assert "state\t3\tDELIVERED\n" in rows


def test_options_that_exclude_each_other_are_refused(local: Qstash) -> None:
    for flags in (("--follow", "--stats"), ("--by-message", "--stats"), ("-f", "--by-message")):
        run = local("logs", *flags)
        assert run.code == 2
        assert "cannot be combined" in run.err
    assert local("logs", "--columns", "nothing").code == 2


def test_large_bodies_do_not_stop_statistics_and_timelines(
    local: Qstash, sink: Sink, eventually: Callable[..., object]
) -> None:
    """A page with whole entries would have 200 MB."""
    headers = {"Authorization": f"Bearer {local.env['QSTASH_TOKEN']}"}
    with plain_http.Client(headers=headers) as http:
        for number in range(120):
            body = number.to_bytes(2) + b"x" * 400_000
            http.post(f"{local.env['QSTASH_URL']}/v2/publish/{sink.url}", content=body)

    def numbers() -> dict[str, int]:
        run = local("logs", "--stats", "-o", "json", "--query", "states")
        assert run.code == 0, run
        states: dict[str, int] = run.json
        return states

    eventually(lambda: numbers().get("DELIVERED") == 120, within_s=120)
    by_message = local("logs", "--by-message", "--all", "-o", "json")
    failed = local("logs", "--by-message", "--state", "delivered", "--limit", "3", "-o", "json")
    whole = local("logs", "--all", "--state", "delivered", "-o", "json")

    assert numbers() == {"CREATED": 120, "ACTIVE": 120, "DELIVERED": 120}
    assert len(by_message.json) == 120
    assert {len(message["entries"]) for message in by_message.json} == {3}
    assert not any("body" in e for message in by_message.json for e in message["entries"])
    assert len(failed.json) == 3
    assert {len(b64decode(entry["body"])) for entry in whole.json} == {400_002}


def test_a_page_that_is_too_long_is_requested_again_with_fewer_entries(
    qstash: Qstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server may ignore that bodies are to be trimmed."""
    monkeypatch.setattr(body_limits, "BODY_LIMIT_BYTES", 40_000)
    entries = [
        {
            "messageId": f"msg_{n}",
            "state": "CREATED",
            "time": n,
            "url": "http://x",
            "body": "x" * 200,
        }
        for n in range(250, 0, -1)
    ]

    def api(request: Received) -> tuple[int, bytes]:
        query = parse_qs(urlsplit(request.path).query)
        count, first = int(query["count"][0]), int(query.get("cursor", ["0"])[0])
        page = {"logs": entries[first : first + count]}
        more = {"cursor": str(first + count)} if first + count < len(entries) else {}
        return 200, json.dumps(page | more).encode()

    with running_endpoint(api) as endpoint:
        qstash.env |= {"QSTASH_URL": endpoint.url, "QSTASH_TOKEN": DEV_USER.token}
        run = qstash("logs", "--stats", "-o", "json")
        sizes = [int(parse_qs(urlsplit(r.path).query)["count"][0]) for r in endpoint.received]
        assert all("trimBody=0" in r.path for r in endpoint.received)

    assert run.code == 0, run
    assert run.json["entries"] == run.json["messages"] == 250
    assert sizes == [1000, 100, 100, 100]


def test_a_single_entry_that_is_too_long_is_reported(
    qstash: Qstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_limits, "BODY_LIMIT_BYTES", 1_048_576)
    with running_endpoint(lambda _request: (200, b" " * 2_000_000)) as endpoint:
        qstash.env |= {"QSTASH_URL": endpoint.url, "QSTASH_TOKEN": DEV_USER.token}
        run = qstash("logs", "--stats")
        sizes = [int(parse_qs(urlsplit(r.path).query)["count"][0]) for r in endpoint.received]

    assert run.code == 1
    assert "longer than 1 MiB" in run.err
    assert sizes == [1000, 100, 10, 1]
