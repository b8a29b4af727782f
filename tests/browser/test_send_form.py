"""The form that publishes a message: every option of the command, checked in the same way."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from qstash_cli.cli.options import callback_options
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.options import CALLBACK_FAMILIES, flag_name, table
from tests import plain_http
from tests.browser.conftest import Dev

_TOKEN = {"Authorization": f"Bearer {DEV_USER.token}"}


def test_every_option_of_the_command_is_in_the_form(page: Page, dev: Dev) -> None:
    flags = {flag_name(name) for name, option in table() if "publish" in option.on}
    for family in CALLBACK_FAMILIES:
        flags |= {one.names[-1].removeprefix("--") for one in callback_options(family)}
    page.goto(f"{dev.url}/console/send")
    fields = page.evaluate(
        "[...document.querySelectorAll('#send [name^=option-]')].map(one => one.name)"
    )
    assert set(fields) == {f"option-{flag}" for flag in flags}


def test_the_delivery_of_a_callback_is_configured_and_sent_again(page: Page, dev: Dev) -> None:
    page.goto(f"{dev.url}/console/send")
    page.get_by_label("Destination").fill("https://example.com/hook")
    page.get_by_text("Delivery", exact=True).click()
    page.get_by_label("delay", exact=True).fill("1h")
    page.get_by_text("Callbacks", exact=True).click()
    page.get_by_label("callback", exact=True).fill("https://example.com/done")
    page.get_by_text("Callback delivery", exact=True).click()
    page.get_by_label("callback retries", exact=True).fill("many")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("callback-retries: not a whole number")
    page.get_by_label("callback retries", exact=True).fill("5")
    page.get_by_label("callback header", exact=True).fill("X-Key: a b")
    snippets = page.locator("#snippets pre")
    expect(snippets.nth(0)).to_contain_text("--callback-retries 5 --callback-header 'X-Key: a b'")
    expect(snippets.nth(1)).to_contain_text("'Upstash-Callback-Forward-X-Key: a b'")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("Published msg_")
    page.get_by_role("link", name="show").click()
    expect(page.get_by_role("row", name="callback retries")).to_contain_text("5")
    page.get_by_role("link", name="Edit and send again").click()
    expect(page.get_by_label("callback header", exact=True)).to_have_value("X-Key: a b")
    message_id = page.url.rpartition("=")[2]
    stored = plain_http.get(f"{dev.url}/v2/messages/{message_id}", headers=_TOKEN).json()
    assert stored["callbackHeader"] == {"X-Key": ["a b"]}
