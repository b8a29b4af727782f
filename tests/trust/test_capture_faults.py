"""Hostile captures: each gets a result in bounded time, and none affects the captures after it."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstash_cli.captures.capture import Capture
from qstash_cli.captures.search_budget import SearchBudget
from qstash_cli.commands.common.verification import judge, reason
from qstash_cli.protocol.claim_checks import Expectation, body_hash
from qstash_cli.protocol.signature import sign
from tests.figures import Figures
from tests.in_process import Qstash
from tests.trust.hostile_captures import (
    DEEP,
    KEY,
    TEXTS,
    URL,
    curl_commands,
    json_texts,
    nested,
    raw_http,
    token_with,
)

# A search may take 2 s; the rest is headroom for a busy machine.
MAX_S = 6.0


def expected() -> Expectation:
    return Expectation(keys=(("current", KEY),), url=None, body=None, now=time.time())


def good_line() -> bytes:
    token = sign(KEY, url=URL, body=b"x", now=time.time(), token_id="jwt_1", lifetime_s=900)
    return json.dumps({"url": URL, "headers": {"Upstash-Signature": token}, "body": "x"}).encode()


def strict(text: str) -> Any:
    """Parses JSON, failing the test on NaN or Infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"not JSON: {name}"))


class Clock:
    """A clock that advances by `step_s` whenever it is read."""

    def __init__(self, step_s: float) -> None:
        self.now, self.step_s = time.time(), step_s
        self.reads = 0

    def __call__(self) -> float:
        self.reads += 1
        self.now += self.step_s
        return self.now


def try_captures(qstash: Qstash, number: int) -> int:
    """Verifies `number` hostile captures and returns how many there were."""
    tried = 0

    @settings(
        max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.one_of(raw_http(), curl_commands(), json_texts()), st.sampled_from(["json", "tsv"]))
    def on(data: bytes, form: str) -> None:
        nonlocal tried
        tried += 1
        began_at = time.process_time()
        run = qstash("verify", "--request", "-", "--current-key", KEY, "-o", form, stdin=data)

        assert run.code in {0, 2, 7}, run
        assert "unexpected" not in run.err, run
        assert run.code == 2 or form == "tsv" or strict(run.out)
        assert time.process_time() - began_at < MAX_S

    on()
    return tried


def try_lines(qstash: Qstash, number: int) -> int:
    """Verifies `number` files with hostile lines and returns how many there were."""
    good, tried = good_line(), 0

    @settings(
        max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(json_texts(), min_size=1, max_size=3))
    def on(hostile: list[bytes]) -> None:
        nonlocal tried
        tried += len(hostile)
        data = b"\n".join([good, *(line.replace(b"\n", b" ") for line in hostile), good])
        run = qstash("verify", "--jsonl", "-", "--current-key", KEY, "-o", "jsonl", stdin=data)

        records = [strict(line) for line in run.out.splitlines()]
        assert run.code in {0, 7}, run
        assert records[0]["valid"]
        assert records[-1]["valid"]
        assert len(records) >= 2 + len(hostile)

    on()
    return tried


def test_a_hostile_capture_gets_a_result_in_every_format(qstash: Qstash, figures: Figures) -> None:
    # A search ends after 20 steps, so that many captures can be tried.
    qstash.now = Clock(0.1)
    cases = try_captures(qstash, 250)

    figures("hostile captures", cases=cases)
    assert cases >= 250


def test_a_hostile_line_does_not_affect_the_other_lines(qstash: Qstash, figures: Figures) -> None:
    qstash.now = Clock(0.1)
    cases = try_lines(qstash, 80)

    figures("hostile captures", cases=cases)
    assert cases >= 80


@pytest.mark.soak
def test_thousands_of_hostile_captures_get_a_result(qstash: Qstash, figures: Figures) -> None:
    cases = try_captures(qstash, 100) + try_lines(qstash, 50)
    qstash.now = Clock(0.1)
    cases += try_captures(qstash, 4_000) + try_lines(qstash, 1_000)

    figures("hostile captures", cases=cases)
    assert cases >= 5_150


@pytest.mark.parametrize(
    "claim", [{"exp": "-" + "9" * 400}, {"exp": "-1e308"}, {"exp": "1e999"}, {"aud": DEEP[6]},
              {"exp": '"-' + "9" * 4_000 + '"'}],
)  # fmt: skip
def test_the_result_is_printed_even_if_the_diagnosis_fails(
    qstash: Qstash, figures: Figures, claim: dict[str, str]
) -> None:
    qstash.now = Clock(0.02)
    run = qstash("verify", "--signature", token_with(**claim), "--body", DEEP[6],
                 "--current-key", KEY, "-o", "json")  # fmt: skip

    figures("hostile captures", cases=1)
    assert run.code == 7, run
    assert {check["name"] for check in strict(run.out)["checks"]} >= {"exp", "body"}


def test_a_failed_search_is_reported_with_the_result() -> None:
    def broken() -> float:
        raise OSError("no clock")

    capture = Capture(source="test", headers=(("Upstash-Signature", token_with()),), body=b"x")
    verdict = judge(capture, expected(), {}, SearchBudget(broken))

    assert verdict.report is not None
    assert verdict.report.failed == ["body"]
    assert reason(verdict) == "body failed: the search for the cause failed: OSError"


def test_the_search_stops_after_two_seconds_and_reports_it(figures: Figures) -> None:
    clock = Clock(0.1)
    capture = Capture(source="test", headers=(("Upstash-Signature", token_with()),), body=b"[1]")

    verdict = judge(capture, expected(), {}, SearchBudget(clock))

    figures("diagnosis budget", cases=1)
    assert clock.reads <= 24
    assert reason(verdict) == "body failed: stopped searching for what changed the body after 2 s"


def test_the_searches_of_one_run_share_a_time_limit(qstash: Qstash, figures: Figures) -> None:
    clock = Clock(0.1)
    qstash.now = clock
    captured = {"url": URL, "headers": {"Upstash-Signature": token_with()}, "body": "[1,2]"}
    data = b"\n".join([json.dumps(captured).encode()] * 500)

    run = qstash("verify", "--jsonl", "-", "--current-key", KEY, "-o", "jsonl", stdin=data)

    figures("diagnosis budget", cases=500)
    assert run.code == 7
    assert run.out.count('"valid":false') == 500
    # 30 searches with 20 clock reads each, then a few reads for each capture.
    assert clock.reads < 600 + 500 * 6
    assert "the body after 2 s" in run.out.splitlines()[0]
    assert "the body after 60 s for all captures" in run.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("depth", "ends"), [(100, ("[", "]")), (900, ('{"a":', "}")), (400, ('{"a":[', "]}"))]
)
def test_a_deeply_nested_body_is_searched_for_two_seconds_at_most(
    figures: Figures, depth: int, ends: tuple[str, str]
) -> None:
    body = nested(depth, *ends)
    capture = Capture(
        source="test", headers=(("Upstash-Signature", token_with()),), body=body.encode()
    )
    began_at = time.process_time()

    verdict = judge(capture, expected(), {})

    took_s = time.process_time() - began_at
    figures("diagnosis budget", cases=1)
    assert took_s < MAX_S
    assert not verdict.valid
    assert verdict.report is not None
    assert "search for the cause failed" not in reason(verdict)


@pytest.mark.parametrize("depth", [20, 300])
def test_a_deeply_nested_body_that_was_reserialized_is_diagnosed(depth: int) -> None:
    value = json.loads(nested(depth, '{"a":[1,', "]}"))
    original, changed = json.dumps(value, separators=(",", ":")), json.dumps(value)
    token = token_with(body=json.dumps(body_hash(original.encode())))
    headers = (("Upstash-Signature", token),)

    # The search has a time limit, which a slow machine must not reach.
    budget = SearchBudget(lambda: 0.0)
    capture = Capture(source="test", headers=headers, body=changed.encode())
    verdict = judge(capture, expected(), {}, budget)

    assert "the JSON was re-serialized (the original has no spaces)" in reason(verdict)


@pytest.mark.soak
def test_many_bodies_without_a_known_change_are_searched_quickly(figures: Figures) -> None:
    limit_s, took = 2.5, []
    wide = ["{" + '"k":1,' * 900 + '"z":0}', "[" + "1.0," * 2000 + "0]"]
    for body in itertools.chain(DEEP, TEXTS, wide):
        capture = Capture(
            source="test", headers=(("Upstash-Signature", token_with()),),
            body=body.encode(errors="surrogatepass"),
        )  # fmt: skip
        began_at = time.process_time()
        judge(capture, expected(), {})
        took.append(time.process_time() - began_at)
    figures("diagnosis budget", cases=len(took), slowest_s=f"{max(took):.1f}")
    assert max(took) < limit_s * 2
