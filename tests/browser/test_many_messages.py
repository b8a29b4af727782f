"""The console with 10,000 messages, and with two tabs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import plain_http
from tests.browser.conftest import Dev, running_dev

_NUMBER, _CHUNK = 10_000, 500
_HEADERS = {"Authorization": f"Bearer {DEV_USER.token}"}
# In seconds of the processor, since other tests run at the same time. A page of all messages takes
# many times as long.
_PAINT_S, _FILTER_S = 1, 0.3
# The best of several: the server is in this process, whose other threads may be busy too.
_TRIES = 5


@pytest.fixture(scope="module")
def full() -> Iterator[Dev]:
    with running_dev() as url, plain_http.Client(base_url=url, headers=_HEADERS) as client:
        for start in range(0, _NUMBER, _CHUNK):
            items = [
                {"destination": f"https://example.com/{number}", "body": f"body-{number}",
                 "headers": {"Upstash-Delay": "1d"}}
                for number in range(start, start + _CHUNK)
            ]  # fmt: skip
            assert client.post("/v2/batch", json=items).status_code == 200
        yield Dev(url)


def test_ten_thousand_messages_are_painted_within_a_second_of_the_processor(
    page: Page, full: Dev
) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    durations_s = []
    for _ in range(_TRIES):
        started_s = time.process_time()
        page.goto(full.url)
        expect(page.locator(".states a").first).to_contain_text("10000")
        server_s = time.process_time() - started_s
        metrics = session.send("Performance.getMetrics")["metrics"]
        (browser_s,) = (one["value"] for one in metrics if one["name"] == "TaskDuration")
        durations_s.append(server_s + browser_s)
    assert min(durations_s) < _PAINT_S, durations_s
    assert page.locator("table.rows tbody tr").count() == 100


def test_a_filter_of_ten_thousand_messages_is_applied_at_once(page: Page, full: Dev) -> None:
    durations_s = []
    for number in range(_TRIES):
        started_s = time.process_time()
        response = plain_http.get(f"{full.url}/console/messages/rows?text=body-99{number}")
        durations_s.append(time.process_time() - started_s)
        assert response.status_code == 200
        assert f"https://example.com/99{number}" in response.text
    assert min(durations_s) < _FILTER_S, durations_s
    page.goto(full.url)
    page.get_by_label("Search").fill("body-9999")
    expect(page.locator("table.rows tbody tr")).to_have_count(1)


def test_older_messages_are_on_further_pages(page: Page, full: Dev) -> None:
    page.goto(full.url)
    page.get_by_role("link", name="Older messages").click()
    expect(page.locator("table.rows tbody tr").first).to_contain_text("/9899")
    assert page.locator("table.rows tbody tr").count() == 100


def test_two_tabs_stay_in_step(context: BrowserContext, dev: Dev) -> None:
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(f"{dev.url}/console/routing")
    form = first.locator("form", has=first.get_by_role("heading", name="Queue"))
    form.get_by_label("Name").fill("orders")
    form.get_by_role("button", name="Set").click()
    for page in (first, second):
        expect(page.locator("tr", has_text="orders")).to_contain_text("running")
    second.locator("tr", has_text="orders").get_by_role("button", name="Pause").click()
    for page in (first, second):
        expect(page.locator("tr", has_text="orders")).to_contain_text("paused")
    (queue,) = plain_http.get(f"{dev.url}/v2/queues", headers=_HEADERS).json()
    assert queue["paused"] is True
