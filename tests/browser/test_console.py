"""What people do with the console."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.browser.conftest import Dev, Endpoint, running_dev
from tests.ports import reserved_port

_TOKEN = {"Authorization": f"Bearer {DEV_USER.token}"}
_HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
    "<a href='javascript:alert(1)'>x</a> \x1b[31mred \u202eevil {{7*7}} http://example.com/x.png"
)


def test_a_newcomer_sends_a_message_and_sees_it_delivered(
    context: BrowserContext, dev: Dev, endpoint: Endpoint
) -> None:
    watching = context.new_page()
    watching.goto(dev.url)
    expect(watching.get_by_text("No messages yet.")).to_be_visible()
    page = context.new_page()
    page.goto(dev.url)
    page.get_by_role("link", name="Send", exact=True).click()
    page.get_by_label("Destination").fill(endpoint.url)
    page.get_by_label("Body").fill('{"name": "ada"}')
    page.get_by_text("Delivery", exact=True).click()
    page.get_by_label("retries", exact=True).fill("2")
    expect(page.locator("#snippets pre").first).to_contain_text(
        f'qstash publish {endpoint.url} --retries 2 -d \'{{"name": "ada"}}\''
    )
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("Published msg_")
    row = watching.locator("table.rows tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("delivered")
    expect(row).to_contain_text("200")
    page.get_by_role("link", name="show").click()
    expect(page.get_by_text('"name": "ada"').first).to_be_visible()
    expect(page.locator("summary", has_text="Attempt 1")).to_contain_text("200 OK")
    assert [one.body for one in endpoint.running.received] == [b'{"name": "ada"}']


def test_a_wrong_option_is_refused_with_its_reason(page: Page, dev: Dev) -> None:
    page.goto(f"{dev.url}/console/send")
    page.get_by_label("Destination").fill("https://example.com/hook")
    page.get_by_text("Delivery", exact=True).click()
    page.get_by_label("delay", exact=True).fill("soon")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("delay: ")
    assert plain_http.get(f"{dev.url}/v2/logs", headers=_TOKEN).json()["logs"] == []


def test_a_failed_message_is_retried_from_the_dlq(page: Page, dev: Dev, endpoint: Endpoint) -> None:
    endpoint.status = 503
    dev.publish(endpoint.url, Retries="0")
    page.goto(f"{dev.url}/console/dlq")
    expect(page.locator("article")).to_contain_text("503")
    expect(page.locator("article")).to_contain_text("upstream is down")
    endpoint.status = 200
    page.get_by_role("button", name="Retry 1 entry").click()
    expect(page.locator("#notice")).to_contain_text("Retried 1 DLQ entry")
    expect(page.get_by_text("The dead letter queue is empty.")).to_be_visible()
    page.goto(dev.url)
    expect(page.locator("table.rows tbody tr").first).to_contain_text("delivered")
    assert plain_http.get(f"{dev.url}/v2/dlq", headers=_TOKEN).json()["messages"] == []


def test_a_schedule_is_created_run_and_paused(page: Page, dev: Dev, endpoint: Endpoint) -> None:
    page.goto(f"{dev.url}/console/schedules")
    page.get_by_text("Create or replace a schedule").click()
    page.get_by_label("Destination").fill(endpoint.url)
    page.get_by_label("Cron").fill("CRON_TZ=Europe/Berlin 0 3 1 1 *")
    page.get_by_label("Id").fill("nightly")
    page.get_by_role("button", name="Save schedule").click()
    card = page.locator("article", has_text="nightly")
    expect(card.locator("li")).to_have_count(5)
    expect(card.locator("li").first).to_contain_text("03:00 CE")
    card.get_by_role("button", name="Run now").click()
    expect(page.locator("#notice")).to_contain_text("Ran schedule nightly")
    card.get_by_role("button", name="Pause").click()
    expect(card).to_contain_text("paused")
    page.goto(f"{dev.url}/?schedule=nightly")
    expect(page.locator("table.rows tbody tr")).to_have_count(1)
    stored = plain_http.get(f"{dev.url}/v2/schedules/nightly", headers=_TOKEN).json()
    assert (stored["cron"], stored["isPaused"]) == ("CRON_TZ=Europe/Berlin 0 3 1 1 *", True)


def test_a_hostile_message_is_only_text(page: Page, dev: Dev, endpoint: Endpoint) -> None:
    body = _HOSTILE + "x" * 5_000_000
    message_id = dev.publish(
        f"{endpoint.url}?q=%3Cscript%3Ealert(1)%3C/script%3E",
        body.encode(),
        Label="<b>bold</b>",
        Forward_X_Evil='"><img src=y onerror=alert(2)>',
    )
    for path in ("/", f"/console/messages/{message_id}", f"/console/send?again={message_id}"):
        page.goto(f"{dev.url}{path}")
        expect(page.locator("h1")).to_be_visible()
        assert "owned" not in page.title()
        assert page.locator("main img, main script, a[href^='javascript']").count() == 0
    page.goto(f"{dev.url}/console/messages/{message_id}")
    expect(page.get_by_text("the first 65,536 of 5,000,")).to_be_visible()
    expect(page.locator("pre", has_text="<script>document.title").first).to_be_visible()


def test_the_filters_are_in_the_url_and_keep_the_rows_live(
    page: Page, dev: Dev, endpoint: Endpoint
) -> None:
    dev.publish(endpoint.url, "apples", Label="fruit")
    dev.publish(endpoint.url, "carrots", Label="vegetables")
    page.goto(dev.url)
    expect(page.locator("table.rows tbody tr")).to_have_count(2)
    page.get_by_label("Search").fill("apples")
    expect(page.locator("table.rows tbody tr")).to_have_count(1)
    expect(page).to_have_url(f"{dev.url}/?text=apples")
    page.reload()
    expect(page.get_by_label("Search")).to_have_value("apples")
    dev.publish(endpoint.url, "more apples")
    expect(page.locator("table.rows tbody tr")).to_have_count(2)
    assert page.url == f"{dev.url}/?text=apples"


def test_paused_updates_are_made_up_for(page: Page, dev: Dev, endpoint: Endpoint) -> None:
    page.goto(dev.url)
    page.get_by_role("button", name="Live").click()
    dev.publish(endpoint.url)
    page.wait_for_timeout(700)
    assert page.locator("table.rows tbody tr").count() == 0
    page.get_by_role("button", name="Paused").click()
    expect(page.locator("table.rows tbody tr")).to_have_count(1)


def test_the_keyboard_reaches_everything(page: Page, dev: Dev, endpoint: Endpoint) -> None:
    first, second = dev.publish(endpoint.url), dev.publish(endpoint.url)
    page.goto(dev.url)
    expect(page.locator("table.rows tbody tr")).to_have_count(2)
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tr.selected")).to_have_attribute("id", f"row-{second}")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{dev.url}/console/messages/{first}")
    assert first in page.title()


def test_the_clock_jumps_to_a_message_that_is_due_tomorrow(
    page: Page, dev: Dev, endpoint: Endpoint
) -> None:
    dev.publish(endpoint.url, Delay="1d")
    page.goto(f"{dev.url}/console/overview")
    page.get_by_role("button", name="Jump to the next").click()
    expect(page.locator("#notice")).to_contain_text("The clock jumped to")
    page.goto(dev.url)
    row = page.locator("table.rows tbody tr")
    expect(row).to_contain_text("delivered")
    assert len(endpoint.running.received) == 1
    # By the server's clock, which is a day ahead of the browser's.
    dev.publish(endpoint.url)
    expect(row).to_have_count(2)
    expect(row.first.locator("time")).to_have_text(re.compile(r"\d+ s ago"))


def test_a_phone_displays_the_response_and_the_age_of_a_message(
    page: Page, dev: Dev, endpoint: Endpoint
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    dev.publish(endpoint.url)
    page.goto(dev.url)
    row = page.locator("table.rows tbody tr")
    expect(row).to_contain_text("200")
    for cell in (row.locator("td").nth(3), row.locator("time")):
        expect(cell).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_program_moves_the_clock_with_the_token_of_the_api(dev: Dev, endpoint: Endpoint) -> None:
    url = f"{dev.url}/console/api/clock"
    dev.publish(endpoint.url, Delay="1d")
    before_ms = plain_http.post(url, json={}, headers=_TOKEN).json()["time"]
    after = plain_http.post(url, json={"advance": "2h", "speed": 2}, headers=_TOKEN).json()
    assert 7_200_000 <= after["time"] - before_ms < 7_260_000
    assert after["speed"] == 2
    jumped_ms = plain_http.post(url, json={"jump": "next"}, headers=_TOKEN).json()["time"]
    assert jumped_ms - before_ms > 86_000_000
    assert plain_http.post(url, json={}).status_code == 401
    assert plain_http.post(url, json={}, headers={"Authorization": "Bearer no"}).status_code == 401
    assert plain_http.post(url, json={"speed": 0}, headers=_TOKEN).status_code == 400


def test_a_message_is_sent_again_and_a_schedule_is_edited(
    page: Page, dev: Dev, endpoint: Endpoint
) -> None:
    message_id = dev.publish(endpoint.url, '{"n": 1}', Label="again")
    page.goto(f"{dev.url}/console/messages/{message_id}")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("#notice")).to_contain_text("Published msg_")
    page.goto(f"{dev.url}/?label=again")
    expect(page.locator("table.rows tbody tr")).to_have_count(2)
    plain_http.post(
        f"{dev.url}/v2/schedules/{endpoint.url}",
        headers=_TOKEN
        | {"Upstash-Cron": "0 3 * * *", "Upstash-Schedule-Id": "s", "Upstash-Retries": "7"},
    )
    page.goto(f"{dev.url}/console/schedules")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Cron").fill("0 4 * * *")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.locator("article code").first).to_have_text("0 4 * * *")
    found = plain_http.get(f"{dev.url}/v2/schedules/s", headers=_TOKEN).json()
    assert (found["cron"], found["retries"]) == ("0 4 * * *", 7)


def test_the_page_recovers_when_the_server_restarts(page: Page, endpoint: Endpoint) -> None:
    with reserved_port() as port:
        with running_dev(port) as url:
            page.goto(url)
            expect(page.get_by_text("No messages yet.")).to_be_visible()
        expect(page.locator("#stream.lost")).to_be_visible()
        with running_dev(port) as url:
            message_id = Dev(url).publish(endpoint.url)
            expect(page.locator("table.rows tbody tr")).to_have_count(1)
            assert message_id in (page.locator("table.rows a").get_attribute("href") or "")


def test_queues_flow_control_and_groups_can_be_changed(page: Page, dev: Dev) -> None:
    page.goto(f"{dev.url}/console/routing")
    form = page.locator("form", has=page.get_by_role("heading", name="Queue"))
    form.get_by_label("Name").fill("orders")
    form.get_by_label("Parallelism").fill("3")
    form.get_by_role("button", name="Set").click()
    row = page.locator("tr", has_text="orders")
    expect(row).to_contain_text("3")
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("paused")
    group = page.locator("form", has=page.get_by_role("heading", name="URL group"))
    group.get_by_label("Name").fill("billing")
    group.get_by_label("Endpoint").fill("https://example.com/a")
    group.get_by_role("button", name="Add endpoint").click()
    expect(page.locator("article", has_text="billing")).to_contain_text("https://example.com/a")
    (stored,) = plain_http.get(f"{dev.url}/v2/queues", headers=_TOKEN).json()
    assert (stored["name"], stored["parallelism"], stored["paused"]) == ("orders", 3, True)


def test_an_action_that_does_not_exist_does_nothing(page: Page, dev: Dev) -> None:
    message_id = dev.publish("https://example.com/hook", Delay="1h")
    page.goto(dev.url)
    headers = json.loads(page.locator("body").get_attribute("hx-headers:inherited") or "")
    for path in (f"messages/{message_id}/archive", "queues/stop", "dlq/keep", "clock/back"):
        refused = plain_http.post(f"{dev.url}/console/{path}", headers=headers, data={"id": "1-1"})
        assert (path, refused.status_code) == (path, 404)
    found = plain_http.get(f"{dev.url}/v2/messages/{message_id}", headers=_TOKEN)
    assert found.status_code == 200


def test_redacted_fields_are_on_no_page(page: Page, dev: Dev) -> None:
    message_id = dev.publish("https://example.com/hook", "private-body", Delay="1h",
                             Redact_Fields="body,header[X-Key]",
                             Forward_X_Key="private-key")  # fmt: skip
    for path in ("/", f"/console/messages/{message_id}", "/console/send"):
        page.goto(f"{dev.url}{path}")
        assert "private-" not in page.content()
    assert plain_http.get(f"{dev.url}/console/send?again={message_id}").status_code == 400
    page.goto(f"{dev.url}/console/messages/{message_id}")
    expect(page.get_by_role("button", name="Send again")).to_be_visible()
    assert page.get_by_role("link", name="Edit and send again").count() == 0


def test_writes_need_the_token_of_the_page(dev: Dev) -> None:
    for headers in ({}, {"X-Console-Token": "wrong"}):
        refused = plain_http.post(
            f"{dev.url}/console/queues/set", data={"name": "q"}, headers=headers
        )
        assert refused.status_code == 403
    foreign = {"Origin": "https://example.com"}
    assert plain_http.get(dev.url, headers=foreign).status_code == 403
    assert plain_http.get(dev.url, headers={"Host": "example.com"}).status_code == 421


def test_one_origin_may_use_the_api_but_not_the_console() -> None:
    origin = "https://console.upstash.com"
    config = ServerConfig(port=0, has_console=True, api_origin=origin)
    with running_server(config) as url:
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET",
                 "Access-Control-Request-Headers": "authorization"}  # fmt: skip
        preflight = httpx.options(f"{url}/v2/queues", headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == origin
        allowed = plain_http.get(f"{url}/v2/queues", headers=_TOKEN | {"Origin": origin})
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == origin
        assert plain_http.get(url, headers={"Origin": origin}).status_code == 403
        other = plain_http.get(
            f"{url}/v2/queues", headers=_TOKEN | {"Origin": "https://example.com"}
        )
        assert other.status_code == 403


def test_other_machines_sign_in_with_the_token(page: Page) -> None:
    with running_server(ServerConfig(host="0.0.0.0", port=0, has_console=True)) as url:  # noqa: S104
        local = url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        page.goto(local)
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("This is not the token of the server.")).to_be_visible()
        page.get_by_label("Token").fill(DEV_USER.token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("No messages yet.")).to_be_visible()
        refused = plain_http.post(f"{local}/console/queues/set", data={"name": "q"})
        assert refused.status_code == 405


def test_every_page_forbids_inline_scripts_and_framing(dev: Dev) -> None:
    for path in ("/", "/console/dlq", "/console/send", "/console/static/console.js"):
        policy = plain_http.get(f"{dev.url}{path}").headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_our_own_scripts_are_short() -> None:
    scripts = list(Path("qstash_cli/server/console/static").glob("*.js"))
    assert {script.name for script in scripts} == {"console.js", "early.js"}
    assert sum(len(script.read_text().splitlines()) for script in scripts) < 400
