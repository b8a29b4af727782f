"""Every route under generated requests, and the HTTP layer under bytes that are no HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from tests.conftest import Sink
from tests.figures import Figures
from tests.trust.conftest import AUTHORISED
from tests.trust.openapi import document

FUZZED = "server: fuzzed routes"
Eventually = Callable[..., object]


def wrong(status: int, content_type: str, text: str) -> str:
    """What is wrong with an answer, if anything."""
    if status >= 500:
        return f"{status}: {text[:300]}"
    if status < 400:
        return ""
    try:
        error = json.loads(text)["error"]
    except (ValueError, TypeError, KeyError):
        return f"{status} and no JSON: {text[:300]}"
    return "" if content_type == "application/json" and error else f"{status} {content_type}"


def fuzz(url: str, examples: int) -> tuple[int, list[str]]:
    """How many requests were made, and what was wrong with their answers."""
    tried, failures = 0, []
    schema = schemathesis.openapi.from_dict(document())
    for found in schema.get_all_operations():
        operation = found.ok()
        made = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)

        @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=made)
        def send(case: Any) -> None:
            nonlocal tried
            answer = case.call(base_url=url, headers=AUTHORISED)
            tried += 1
            what = wrong(answer.status_code, "".join(answer.headers.get("content-type", [])), answer.text)
            if what:
                failures.append(f"{case.method} {case.path}: {what}: {case.query} {case.body}")

        send()
    return tried, failures


def still_delivers_and_fires(http: httpx.Client, sink: Sink, eventually: Eventually) -> None:
    http.post(f"/v2/publish/{sink.url}/after").raise_for_status()

    eventually(lambda: any(r.path == "/after" for r in sink.received))


def test_every_route_answers_generated_requests_in_json(
    http: httpx.Client, sink: Sink, complaints: list[str], eventually: Eventually, figures: Figures
) -> None:
    tried, failures = fuzz(str(http.base_url), 30)

    figures(FUZZED, cases=tried, failures=len(failures) + len(complaints))
    assert failures == []
    assert complaints == []
    still_delivers_and_fires(http, sink, eventually)
