"""A workflow run, watched and changed in the console."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Dev
from tests.workflow_app import quiet, result, running_workflow

_HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def test_a_run_is_displayed_live_and_its_results_are_only_text(page: Page, dev: Dev) -> None:
    with running_workflow(dev.url, submit=quiet) as app:
        page.goto(f"{dev.url}/console/workflows")
        expect(page.get_by_text("No workflow runs yet.")).to_be_visible()
        app.trigger("wfr_1", _HOSTILE).raise_for_status()
        page.get_by_role("link", name="wfr_1").click()
        expect(page.locator("ol.steps li").first).to_contain_text("init")

        app.step("wfr_1", result(1, _HOSTILE, stepName=f"charge {_HOSTILE}")).raise_for_status()

        step = page.locator("ol.steps li", has_text="charge")
        expect(step).to_contain_text("success")
        step.get_by_text("Result").click()
        expect(step.locator("pre")).to_contain_text("onerror=")
        assert page.locator("main img, main script").count() == 0
        assert page.title() == "wfr_1 · qstash dev"

        page.get_by_label("Event id").fill("paid")
        page.get_by_role("button", name="Notify").click()
        expect(page.locator("#notice")).to_contain_text("Notified 0 waiters")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("h1")).to_contain_text("canceled")


def test_a_failed_run_is_resumed(page: Page, dev: Dev) -> None:
    with running_workflow(dev.url, total=1) as app:
        app.status = 489
        app.headers |= {"Upstash-NonRetryable-Error": "true"}
        app.trigger("wfr_1").raise_for_status()
        page.goto(f"{dev.url}/console/workflows?state=RUN_FAILED")
        page.get_by_role("link", name="wfr_1").click()
        app.status = 200
        page.get_by_role("button", name="Resume").click()
        expect(page.locator("#notice")).to_contain_text("Started wfr_")
        page.goto(f"{dev.url}/console/workflows?state=RUN_SUCCESS")
        expect(page.locator("tbody tr")).to_have_count(1)
