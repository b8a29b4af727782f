from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.commands.api_server import api_server
from tests.in_process import Qstash
from tests.sink import Sink


@pytest.fixture
def account(qstash: Qstash) -> Qstash:
    qstash.env["QSTASH_TOKEN"] = DEV_USER.token
    return qstash


def entry(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "messageId": f"msg_{number}",
        "dlqId": f"{number}-0",
        "url": "https://example.com/a",
        "responseStatus": 503,
        "responseBody": f"order {number} failed",
        "createdAt": 1_795_525_000_000 + number,
    } | fields


def test_groups_are_listed_with_what_their_entries_have_in_common(account: Qstash) -> None:
    entries = [entry(1), entry(2), entry(3, responseStatus=404, responseBody="no route")]
    with api_server(responses={("GET", "/v2/dlq"): (200, {"messages": entries})}) as api:
        account.env["QSTASH_URL"] = api.url
        groups = account("dlq", "group", "-o", "json").json
        keys = account("dlq", "group", "-o", "ids").out.split()
        table = account("dlq", "group", tty=True).out

    first, second = groups
    assert first | {"group": ""} == {
        "group": "",
        "entries": 2,
        "responseStatus": 503,
        "url": "https://example.com/a",
        "response": "order <n> failed",
        "first": 1_795_525_000_001,
        "last": 1_795_525_000_002,
        "sampleDlqId": "2-0",
    }
    assert (second["entries"], second["response"]) == (1, "no route")
    assert keys == [first["group"], second["group"]]
    assert f"{keys[0][:8]}  " in table
    assert "order <n> failed" in table


@pytest.mark.parametrize("form", ["tsv", "csv", "jsonl"])
def test_groups_have_every_format(local: Qstash, undelivered: Callable[..., None],
                                  form: str) -> None:  # fmt: skip
    undelivered("--label", "x")

    run = local("dlq", "group", "--label", "x", "-o", form)

    assert run.code == 0
    assert "500" in run.out


def test_the_console_and_the_command_have_the_same_groups(qstash: Qstash, sink: Sink) -> None:
    sink.statuses = [500]
    with running_server(ServerConfig(port=0, has_console=True)) as url:
        qstash.env |= {"QSTASH_URL": url, "QSTASH_TOKEN": DEV_USER.token}
        for number in (1, 20):
            sink.body = f"order {number} failed".encode()
            qstash("publish", f"{sink.url}/x", "--retries", "0", "--wait")

        (key,) = qstash("dlq", "group", "-o", "ids").out.split()
        page = httpx2.get(f"{url}/console/dlq/groups").text

    assert f'id="group-{key}"' in page
    assert "2 entries" in page


def test_no_entries_are_no_groups(local: Qstash) -> None:
    assert local("dlq", "group", "-o", "json").json == []
    assert "the dead letter queue is empty" in local("dlq", "group", tty=True).out
    assert "no entries match" in local("dlq", "group", "--status", "418", tty=True).out
