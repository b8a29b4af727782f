"""Tests of delays, retries, schedules and signatures. Nothing here waits: the clock is moved."""

from __future__ import annotations

import pytest
from app import create_schedules
from conftest import Shop

from qstash_cli.testing import LocalQStash


def test_an_order_is_charged_after_an_hour(qstash: LocalQStash, shop: Shop) -> None:
    shop.client.post("/orders/7")

    qstash.assert_not_delivered("/qstash/charge", within="59m")
    qstash.advance("1m")
    qstash.assert_delivered("/qstash/charge", body={"order": 7}, times=1)
    assert shop.charged == [7]


def test_a_charge_is_retried_while_the_provider_is_not_available(
    qstash: LocalQStash, shop: Shop
) -> None:
    shop.failures = 2
    shop.client.post("/orders/7")

    [charge] = qstash.assert_delivered("/qstash/charge", times=1, within="1d")
    assert charge.attempts == 3
    assert shop.charged == [7]
    assert qstash.dlq() == []


def test_a_charge_that_never_succeeds_is_in_the_dead_letter_queue(
    qstash: LocalQStash, shop: Shop
) -> None:
    shop.failures = 4
    shop.client.post("/orders/7")

    qstash.assert_not_delivered("/qstash/charge", within="1d")
    [entry] = qstash.dlq()
    assert entry["responseStatus"] == 503
    assert entry["body"] == '{"order": 7}'


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        # A Friday in winter, and a Monday on which the clocks had been changed the day before.
        ("2026-03-27", [7]),
        ("2026-03-30", [6]),
        # A Sunday.
        ("2026-03-29", []),
    ],
)
def test_the_report_is_sent_at_half_past_eight_on_workdays(
    qstash: LocalQStash, shop: Shop, day: str, hours: list[int]
) -> None:
    create_schedules(shop.url)

    runs = qstash.run_schedules(day, "Europe/Berlin")

    assert [(run.at.hour, run.at.minute) for run in runs] == [(hour, 30) for hour in hours]
    qstash.assert_delivered("/qstash/report", times=len(hours))


@pytest.mark.parametrize("signature", ["", "e30.e30.e30"])
def test_requests_without_a_signature_of_qstash_are_refused(shop: Shop, signature: str) -> None:
    response = shop.client.post(
        "/qstash/charge", json={"order": 7}, headers={"Upstash-Signature": signature}
    )

    assert response.status_code == 401
    assert shop.charged == []
