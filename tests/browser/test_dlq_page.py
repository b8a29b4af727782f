"""What people do with a dead letter queue that is longer than a page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import plain_http
from tests.browser.conftest import Dev, Endpoint
from tests.polling import poll

_TOKEN = {"Authorization": f"Bearer {DEV_USER.token}"}


def _fail(dev: Dev, endpoint: Endpoint, count: int, label: str) -> None:
    """Publishes messages of a label to paths of their own, all of which fail."""
    endpoint.status = 503
    items = [
        {"destination": f"{endpoint.running.url}/{label}",
         "headers": {"Upstash-Retries": "1", "Upstash-Retry-Delay": "10", "Upstash-Label": label}}
        for _ in range(count)
    ]  # fmt: skip
    plain_http.post(f"{dev.url}/v2/batch", json=items, headers=_TOKEN).raise_for_status()


def _entries(dev: Dev, **filters: str) -> int:
    """The number of entries, at most 100."""
    found = plain_http.get(f"{dev.url}/v2/dlq", params=filters, headers=_TOKEN)
    return len(found.json()["messages"])


def test_a_group_of_more_than_a_page_is_retried_as_a_whole(
    page: Page, dev: Dev, endpoint: Endpoint
) -> None:
    _fail(dev, endpoint, 130, "orders")
    _fail(dev, endpoint, 2, "emails")
    page.goto(f"{dev.url}/console/dlq")
    expect(page.get_by_role("button", name="Retry all 132 entries")).to_be_visible(timeout=30_000)
    group = page.locator("article", has_text="/orders")
    expect(group).to_contain_text("130 entries")
    group.get_by_text("The newest 20 entries").click()
    group.get_by_role("link", name="Show 130 entries").click()
    expect(page.locator("tbody tr")).to_have_count(100)
    page.get_by_role("link", name="Older entries").click()
    expect(page.locator("tbody tr")).to_have_count(30)
    endpoint.status = 200
    page.get_by_role("button", name="Retry 130 entries").click()
    expect(page.locator("#notice")).to_contain_text("Retried 130 DLQ entries")
    assert _entries(dev) == 2
    page.goto(dev.url)
    expect(page.locator(".states a.delivered")).to_contain_text("130")


def test_all_matching_entries_and_the_selected_ones_are_deleted(
    page: Page, dev: Dev, endpoint: Endpoint
) -> None:
    _fail(dev, endpoint, 3, "orders")
    _fail(dev, endpoint, 2, "emails")
    poll(lambda: _entries(dev) == 5)
    endpoint.status = 500
    plain_http.post(f"{dev.url}/v2/publish/{endpoint.running.url}/emails/later",
               headers=_TOKEN | {"Upstash-Retries": "0"}).raise_for_status()  # fmt: skip
    page.goto(f"{dev.url}/console/dlq")
    expect(page.get_by_role("button", name="Retry all 6 entries")).to_be_visible()
    page.get_by_label("Destination").fill("/emails")
    expect(page).to_have_url(f"{dev.url}/console/dlq?destination=%2Femails")
    page.get_by_role("button", name="Delete all 3 matching entries").click()
    expect(page.locator("#notice")).to_contain_text("Deleted 3 DLQ entries")
    expect(page.get_by_text("No entry matches.")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    page.get_by_text("Entries", exact=True).click()
    page.get_by_role("button", name="Delete selected").click()
    expect(page.locator("#notice")).to_contain_text("no entry is selected")
    page.locator("tbody input").nth(0).check()
    page.locator("tbody input").nth(2).check()
    page.get_by_role("button", name="Delete selected").click()
    expect(page.locator("#notice")).to_contain_text("Deleted 2 DLQ entries")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert _entries(dev) == 1


def test_an_open_list_and_its_selection_survive_new_entries(
    page: Page, dev: Dev, endpoint: Endpoint
) -> None:
    _fail(dev, endpoint, 3, "orders")
    page.goto(f"{dev.url}/console/dlq")
    group = page.locator("article", has_text="/orders")
    expect(group).to_contain_text("3 entries")
    group.get_by_text("Entries", exact=True).click()
    selected = group.locator("tbody input").nth(1)
    entry = selected.get_attribute("value")
    selected.check()

    _fail(dev, endpoint, 1, "orders")

    expect(group).to_contain_text("4 entries")
    expect(group.locator("tbody input").first).to_be_visible()
    expect(group.locator("tbody input:checked")).to_have_count(1)
    expect(group.locator("tbody input:checked")).to_have_value(str(entry))
