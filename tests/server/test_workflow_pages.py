"""The pages of workflow runs in the console, as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qstash_cli.server.run import ServerConfig, running_server
from tests.workflow_app import WorkflowApp, quiet, result, running_workflow

Eventually = Callable[..., Any]


@pytest.fixture
def app() -> Iterator[WorkflowApp]:
    with (
        running_server(ServerConfig(port=0, has_console=True)) as url,
        running_workflow(url, submit=quiet) as app,
    ):
        yield app


def start(app: WorkflowApp, eventually: Eventually, run_id: str, **headers: str) -> None:
    app.trigger(run_id, **headers)
    eventually(lambda: [one for one in app.received if run_id in dict(one.headers).values()])


def rows(app: WorkflowApp, **query: str) -> list[str]:
    html = app.api.get("/console/workflows/rows", params=query).raise_for_status().text
    return re.findall(r"<tr>\s*<td>.*?</tr>", html, re.DOTALL)


def test_the_list_counts_a_parallel_step_once(app: WorkflowApp, eventually: Eventually) -> None:
    start(app, eventually, "wfr_1")
    for step_id in (1, 2):
        plan = result(0, None, stepName=f"s{step_id}", concurrent=2, targetStep=step_id)
        app.step("wfr_1", plan).raise_for_status()
    eventually(lambda: len(app.received) == 3)
    for step_id in (1, 2):
        done = result(step_id, "x", stepName=f"s{step_id}", concurrent=2)
        app.step("wfr_1", done).raise_for_status()
    eventually(lambda: len(app.received) == 5)
    app.api.request("DELETE", "/v2/workflows/runs/wfr_1", params={"cancel": "false"})

    (row,) = rows(app)

    # The start, and two steps.
    assert re.findall(r'<td class="number">(\d+)</td>', row) == ["3"]


def test_the_list_is_filtered_by_every_field_of_the_form(
    app: WorkflowApp, eventually: Eventually
) -> None:
    start(app, eventually, "wfr_a", Upstash_Label="nightly")
    start(app, eventually, "wfr_b")

    for query, expected in (
        ({}, ["wfr_b", "wfr_a"]),
        ({"run": "wfr_a"}, ["wfr_a"]),
        ({"label": " nightly "}, ["wfr_a"]),
        ({"url": app.url, "since": "1h"}, ["wfr_b", "wfr_a"]),
        ({"url": f"{app.url}/other"}, []),
        ({"until": "1h"}, []),
        ({"state": "RUN_STARTED", "run": "wfr_b"}, ["wfr_b"]),
        ({"state": "RUN_FAILED"}, []),
        ({"state": "RUN_SLEEPING"}, ["wfr_b", "wfr_a"]),
    ):
        found = [re.findall(r"workflows/(wfr_\w+)", row)[0] for row in rows(app, **query)]
        assert found == expected, query


def test_a_state_keeps_the_other_filters_and_the_form_becomes_the_url(app: WorkflowApp) -> None:
    query = {"label": "a&b", "since": "1h", "from": "form"}

    response = app.api.get("/console/workflows/rows", params=query)

    assert response.headers["HX-Replace-Url"] == "/console/workflows?label=a%26b&since=1h"
    assert "?state=RUN_FAILED&amp;label=a%26b&amp;since=1h" in response.text


def test_an_incomplete_time_is_reported_in_place_of_the_rows(
    app: WorkflowApp, eventually: Eventually
) -> None:
    start(app, eventually, "wfr_1")

    response = app.api.get("/console/workflows", params={"since": "<b>2026-"})

    assert response.status_code == 200
    assert "since: " in response.text
    assert "&lt;b&gt;2026-" in response.text
    assert "wfr_1" not in response.text
