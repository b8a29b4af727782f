"""Clicks on a page whose scripts have not yet run."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Dev, Endpoint


@pytest.mark.parametrize(
    ("opened", "button", "notice"),
    [
        (None, "Retry 1 entry", "Retried 1 DLQ entry"),
        ("Entries", "Delete selected", "no entry is selected"),
    ],
)
def test_a_click_before_the_scripts_have_run_is_not_lost(
    *, page: Page, dev: Dev, endpoint: Endpoint, opened: str | None, button: str, notice: str
) -> None:
    endpoint.status = 503
    dev.publish(endpoint.url, Retries="0")
    page.goto(f"{dev.url}/console/dlq")
    expect(page.get_by_role("button", name="Retry 1 entry")).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/console.js", hold)
    page.goto(f"{dev.url}/console/dlq", wait_until="commit")
    while not held:
        # This also calls the handler of the route.
        page.wait_for_timeout(10)
    if opened is not None:
        page.get_by_text(opened, exact=True).click()

    page.get_by_role("button", name=button).click(no_wait_after=True)
    for route in held:
        route.continue_()

    expect(page.locator("#notice")).to_contain_text(notice)
