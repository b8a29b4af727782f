"""`python3 -m tests.browser.screenshots`: pictures of the console for the documentation."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from tests import plain_http
from tests.browser.conftest import ARGUMENTS, CHROMIUM, Dev, running_dev

_IMAGES = Path(__file__).parents[2] / "docs" / "images"
_SIZE = {"width": 1200, "height": 760}
_PAGES = {"dlq": "/console/dlq", "overview": "/console/overview"}


def main() -> None:
    """Sends messages to endpoints that succeed and fail, and takes the pictures."""
    _IMAGES.mkdir(exist_ok=True)
    failures: dict[str, int] = {}

    def respond(request: Received) -> tuple[int, bytes]:
        # An attempt that takes no time would not be seen on the timeline.
        time.sleep(0.05)
        failures[request.path] = failures.get(request.path, 0) + 1
        if request.path == "/invoices":
            return 503, b"the invoice service is down"
        return (502, b"bad gateway") if failures[request.path] < 3 else (200, b"thanks")

    with (
        running_endpoint(respond, 0) as endpoint,
        running_dev() as url,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": _SIZE["width"], "height": _SIZE["height"]})
        retried = _fill(Dev(url), endpoint.url)
        page.goto(f"{url}/console/messages/{retried}")
        expect(page.locator("h1")).to_contain_text("delivered", timeout=30_000)
        _take(page, "message")
        page.goto(url)
        expect(page.locator(".badge.failed").first).to_be_visible(timeout=30_000)
        _take(page, "messages")
        for name, path in _PAGES.items():
            page.goto(f"{url}{path}")
            _take(page, name)
        browser.close()


def _fill(dev: Dev, endpoint: str) -> str:
    """Publishes the messages, and returns the id of one that is retried before it succeeds."""
    retried = dev.publish(f"{endpoint}/orders/created", '{"order": 42, "item": "book"}',
                          Retry_Delay="700", Label="orders")  # fmt: skip
    for number in range(6):
        dev.publish(f"{endpoint}/orders/created", f'{{"order": {43 + number}}}', Label="orders",
                    Retry_Delay="500")  # fmt: skip
    dev.publish(f"{endpoint}/invoices", '{"invoice": 7}', Retries="1", Retry_Delay="200")
    dev.publish(f"{endpoint}/reminders", '{"user": "ada"}', Delay="1d")
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    with plain_http.Client(base_url=dev.url, headers=headers) as client:
        client.post("/v2/queues", json={"queueName": "emails", "parallelism": 2})
        client.post(f"/v2/enqueue/emails/{endpoint}/emails", content="{}")
    return retried


def _take(page: Page, name: str) -> None:
    # The stream has to bring the newest state first.
    page.wait_for_timeout(1500)
    page.screenshot(path=_IMAGES / f"console-{name}.png")


if __name__ == "__main__":
    main()
