"""Every page of the console passes axe-core, the rules of WCAG 2.2 AA, in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests import plain_http
from tests.browser.conftest import Dev, Endpoint

_AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_PATHS = ("/", "/console/dlq", "/console/send", "/console/schedules", "/console/routing",
          "/console/overview", "/console/workflows",
          "/console/workflows/wfr_1", "/?text=nothing-matches", "/console/nowhere")  # fmt: skip


@pytest.fixture
def busy(dev: Dev, endpoint: Endpoint) -> Dev:
    """A server with something of everything."""
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    dev.publish(endpoint.url, '{"a": 1}', Label="blue", Callback=endpoint.url)
    dev.publish("https://example.invalid/later", Delay="1h", Flow_Control_Key="k",
                Flow_Control_Value="rate=3")  # fmt: skip
    with plain_http.Client(base_url=dev.url, headers=headers) as client:
        client.post(
            f"/v2/trigger/{endpoint.url}",
            headers={
                "Upstash-Workflow-RunId": "wfr_1",
                "Upstash-Workflow-Init": "true",
                "Upstash-Workflow-Url": endpoint.url,
            },
        ).raise_for_status()
        client.post("/v2/queues", json={"queueName": "orders", "parallelism": 2})
        client.post("/v2/topics/billing/endpoints", json={"endpoints": [{"url": endpoint.url}]})
        client.post(f"/v2/schedules/{endpoint.url}", headers={"Upstash-Cron": "0 3 * * *"})
        endpoint.status = 500
        dev.publish(endpoint.url, Retries="0")
    return dev


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_violation(
    browser: Browser, busy: Dev, theme: Literal["light", "dark"]
) -> None:
    # The tests load axe into the page, which the policy of the page forbids.
    context = browser.new_context(bypass_csp=True, color_scheme=theme)
    page = context.new_page()
    page.goto(f"{busy.url}/?state=failed")
    link = page.locator("table.rows a").first
    expect(link).to_be_visible()
    message = link.get_attribute("href")
    found = {path: _violations(page, f"{busy.url}{path}") for path in (*_PATHS, message)}
    context.close()
    assert {path: one for path, one in found.items() if one} == {}


@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_scrolls_sideways(browser: Browser, busy: Dev, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    for path in _PATHS:
        page.goto(f"{busy.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def _violations(page: Page, url: str) -> list[str]:
    page.goto(url)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.add_script_tag(path=_AXE)
    result = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", _RULES
    )
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for one in result["violations"]
        for node in one["nodes"][:3]
    ]
