"""Tabs that stay open, and the user whose data they display."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from qstash_cli.protocol.dev_credentials import DEV_USER, DEV_USERS
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.browser.conftest import Dev, Endpoint


def test_an_open_tab_follows_the_clock_of_the_server(
    page: Page, dev: Dev, endpoint: Endpoint
) -> None:
    dev.publish(endpoint.url)
    page.goto(dev.url)
    age = page.locator("table.rows time")
    expect(age).to_have_text(re.compile(r"\d+ s ago"))
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    plain_http.post(f"{dev.url}/console/api/clock", json={"advance": "3h"}, headers=headers)
    expect(age).to_have_text("3 h ago")


def test_the_console_displays_the_selected_user_and_commands_for_it(
    page: Page, endpoint: Endpoint
) -> None:
    user = DEV_USERS[2]
    with running_server(ServerConfig(port=0, has_console=True, console_user=user)) as url:
        page.goto(url)
        expect(page.locator("pre")).to_have_text(
            f'qstash publish --api-url {url} --token "$QSTASH_TOKEN" '
            "http://127.0.0.1:3000/hook name=ada"
        )
        headers = {"Authorization": f"Bearer {user.token}"}
        plain_http.post(f"{url}/v2/publish/{endpoint.url}", headers=headers)
        expect(page.locator("table.rows tbody tr")).to_have_count(1)
        page.goto(f"{url}/console/overview")
        connect = page.locator("#live details")
        expect(connect.nth(0)).to_contain_text(f"export QSTASH_TOKEN={user.token}")
        expect(connect.nth(1)).to_contain_text(f"\nQSTASH_NEXT_SIGNING_KEY={user.next_signing_key}")
        expect(connect.nth(2)).to_contain_text("new Receiver(")
        expect(connect.nth(3)).to_contain_text("from qstash import QStash, Receiver")
