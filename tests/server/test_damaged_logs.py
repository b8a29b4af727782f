"""Entries of the log and of the DLQ whose stored rows are damaged do not hide the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.figures import Figures
from tests.in_process import Qstash
from tests.server.test_damaged_rows import DAMAGE, Damage, all_of, get
from tests.sink import Sink

Eventually = Callable[..., object]
Failed = Callable[[dict[str, Damage]], dict[str, str]]
# What the queries look for is still there, but it is no JSON any more.
CUT_SHORT = '{"error": "500", "responseStatus": 500, "responseBody": "bm8="'
OF_THE_END = "state = 'FAILED' AND message_id"
PAGES = ("/", "/console/dlq", "/console/dlq/groups", "/console/messages/rows")


@contextmanager
def server(db: Path) -> Iterator[httpx.Client]:
    config = ServerConfig(port=0, db=db, has_console=True)
    token = {"Authorization": f"Bearer {DEV_USER.token}"}
    with (
        running_server(config) as url,
        plain_http.Client(base_url=url, headers=token, timeout=30) as http,
    ):
        yield http


@pytest.fixture
def failed(tmp_path: Path, sink: Sink, eventually: Eventually) -> Failed:
    """Fails a message for each damage, and a good one, and returns their ids by name."""

    def fail(damages: dict[str, Damage]) -> dict[str, str]:
        sink.statuses = [500]
        with server(tmp_path / "db") as http:
            names = ("good", *damages)
            once = {"Upstash-Retries": "0"}
            items = [{"destination": f"{sink.url}/{name}", "headers": once} for name in names]
            published = http.post("/v2/batch", json=items).raise_for_status().json()
            eventually(lambda: len(get(http, "/v2/dlq")["messages"]) == len(names))
        return {name: one["messageId"] for name, one in zip(names, published, strict=True)}

    return fail


def test_damaged_responses_in_the_dlq_do_not_hide_the_others(
    tmp_path: Path, failed: Failed, figures: Figures
) -> None:
    damages = all_of("headers", "body", "status")
    ids = failed(damages)
    for name, damage in damages.items():
        damage.of(tmp_path / "db", "dlq", "message_id", ids[name])

    with server(tmp_path / "db") as http:
        listed = {one["messageId"]: one for one in get(http, "/v2/dlq")["messages"]}
        pages = [http.get(path).status_code for path in PAGES]

    figures(DAMAGE, cases=len(damages))
    assert listed.keys() == set(ids.values())
    assert listed[ids["good"]]["responseStatus"] == 500
    assert {
        str(listed[ids[name]]["responseHeader"])
        for name, damage in damages.items()
        if damage.column == "headers"
    } == {"{}"}
    assert pages == [200] * len(PAGES)


def test_the_command_lists_steps_with_damaged_columns(
    tmp_path: Path, failed: Failed, qstash: Qstash, figures: Figures
) -> None:
    damages = all_of("time_ms", "state", "details")
    ids = failed(damages)
    for name, damage in damages.items():
        damage.of(tmp_path / "db", "logs", OF_THE_END, ids[name])

    with server(tmp_path / "db") as http:
        run = qstash(
            "logs",
            "--all",
            "-o",
            "json",
            QSTASH_URL=str(http.base_url),
            QSTASH_TOKEN=DEV_USER.token,
        )

    figures(DAMAGE, cases=len(damages))
    assert run.code == 0, run
    steps = Counter(entry["messageId"] for entry in run.json)
    assert {steps[message_id] for message_id in ids.values()} == {4}


def test_damaged_steps_in_the_log_do_not_hide_the_others(
    tmp_path: Path, failed: Failed, figures: Figures
) -> None:
    damages = all_of("details") | {"cut": Damage("details", CUT_SHORT)}
    ids = failed(damages)
    for name, damage in damages.items():
        damage.of(tmp_path / "db", "logs", OF_THE_END, ids[name])

    with server(tmp_path / "db") as http:
        paths = ("/v2/logs?count=1000", "/v2/logs?count=1000&trimBody=1", "/v2/events?count=1000")
        lists = [get(http, path) for path in paths]
        pages = [http.get(path).status_code for path in (*PAGES, f"/console/messages/{ids['cut']}")]

    figures(DAMAGE, cases=len(damages))
    for entries in (next(iter(one.values())) for one in lists):
        steps = {one["messageId"]: one for one in entries if one["state"] == "FAILED"}
        assert steps.keys() == set(ids.values())
        assert {steps[ids[name]]["error"] for name in damages} == {"the stored step is damaged"}
        assert steps[ids["good"]]["responseStatus"] == 500
    assert set(pages) == {200}
