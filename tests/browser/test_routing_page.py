"""What people do with queues, flow control keys and URL groups."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.browser.conftest import Dev, Endpoint

_TOKEN = {"Authorization": f"Bearer {DEV_USER.token}"}


def test_the_endpoints_of_a_group_are_checked_by_the_routes_of_deliveries(
    page: Page, endpoint: Endpoint
) -> None:
    routes = (("https://app.example.com", endpoint.running.url),)
    urls = ("https://app.example.com/up", "http://127.0.0.1:9/closed")
    with running_server(ServerConfig(port=0, has_console=True, routes=routes)) as url:
        plain_http.post(f"{url}/v2/topics/billing/endpoints", headers=_TOKEN,
                   json={"endpoints": [{"url": one} for one in urls]})  # fmt: skip
        page.goto(f"{url}/console/routing")
        page.get_by_role("button", name="Check endpoints").click()
        checks = page.locator("#checks")
        expect(checks).to_contain_text("1 of 2 endpoints responded")
        expect(checks.locator("tr", has_text="/up")).to_contain_text(
            re.compile(r"200\s+\d+(\.\d+)? m?s")
        )
        expect(checks.locator("tr", has_text="/closed")).to_contain_text("connection refused")
        endpoint.status = 503
        page.get_by_role("button", name="Check endpoints").click()
        expect(checks).to_contain_text("0 of 2 endpoints responded")
    assert [one.method for one in endpoint.running.received] == ["HEAD", "HEAD", "GET"]


def test_the_question_before_a_queue_is_deleted_names_its_messages(page: Page, dev: Dev) -> None:
    plain_http.post(f"{dev.url}/v2/queues", headers=_TOKEN, json={"queueName": "orders"})
    plain_http.post(f"{dev.url}/v2/queues/orders/pause", headers=_TOKEN)
    page.goto(f"{dev.url}/console/routing")
    form = page.locator("form", has=page.get_by_role("button", name="Delete"))
    expect(form).to_have_attribute("hx-confirm", "Delete queue orders?")
    plain_http.post(f"{dev.url}/v2/enqueue/orders/https://example.com", headers=_TOKEN)
    expect(form).to_have_attribute("hx-confirm", "Delete queue orders and cancel its message?")


def test_a_flow_control_key_is_pinned_and_unpinned(page: Page, dev: Dev) -> None:
    page.goto(f"{dev.url}/console/routing")
    form = page.locator("form", has=page.get_by_role("heading", name="Flow control key"))
    form.get_by_label("Key").fill("api")
    form.get_by_label("Rate").fill("10")
    form.get_by_label("Period").fill("1m")
    form.get_by_role("button", name="Pin").click()
    row = page.locator("tr", has_text="api")
    expect(row).to_contain_text("0 of 10 per 60 s (pinned)")
    row.get_by_role("button", name="Unpin").click()
    expect(row).not_to_contain_text("pinned")
