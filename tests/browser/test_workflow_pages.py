"""A workflow run, watched and changed in the console."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Dev
from tests.workflow_app import quiet, result, running_workflow, steps_of

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


def test_runs_are_filtered_while_the_form_is_filled_in(page: Page, dev: Dev) -> None:
    with running_workflow(dev.url, submit=quiet) as app:
        app.trigger("wfr_1", Upstash_Label="nightly").raise_for_status()
        app.trigger("wfr_2").raise_for_status()
        page.goto(f"{dev.url}/console/workflows")
        expect(page.locator("tbody tr")).to_have_count(2)

        page.get_by_label("Label").fill("nightly")

        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page).to_have_url(f"{dev.url}/console/workflows?label=nightly")
        page.get_by_label("Since").fill("2026-")
        expect(page.get_by_role("alert")).to_contain_text("since: ")


def test_a_failed_run_is_restarted_with_its_payload(page: Page, dev: Dev) -> None:
    with running_workflow(dev.url, total=1) as app:
        app.status = 489
        app.headers |= {"Upstash-NonRetryable-Error": "true"}
        app.trigger("wfr_1", '{"user":"ada"}').raise_for_status()
        page.goto(f"{dev.url}/console/workflows?state=RUN_FAILED")
        page.get_by_role("link", name="wfr_1").click()
        expect(page.get_by_role("heading", name="Failure")).to_be_visible()
        app.status = 200
        app.received.clear()

        page.get_by_role("button", name="Restart").click()

        page.locator("#notice").get_by_role("link").click()
        expect(page.locator("h1")).to_contain_text("success")
        assert [steps_of(one)[0] for one in app.received] == ['{"user":"ada"}'] * 2
        assert [len(steps_of(one)) for one in app.received] == [1, 2]
        # The failed run has left the DLQ, and cannot be started again.
        page.goto(f"{dev.url}/console/workflows/wfr_1")
        expect(page.locator("h1")).to_contain_text("failed")
        expect(page.get_by_role("button", name="Restart")).to_have_count(0)


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
