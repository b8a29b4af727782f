"""Bulk operations apply to every match, and display their progress."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import plain_http
from tests.in_process import Qstash

Eventually = Callable[..., object]
NOWHERE = "http://127.0.0.1:9/"


def publish(local: Qstash, count: int, **headers: str) -> None:
    """Publishes batches of a thousand messages."""
    item = {
        "destination": NOWHERE,
        "headers": {f"Upstash-{name}": value for name, value in headers.items()},
    }
    for start in range(0, count, 1000):
        response = plain_http.post(
            f"{local.env['QSTASH_URL']}/v2/batch",
            json=[item] * min(1000, count - start),
            headers={"Authorization": f"Bearer {local.env['QSTASH_TOKEN']}"},
            timeout=60,
        )
        assert response.status_code == 200


@pytest.mark.parametrize("number", [2_500, pytest.param(10_000, marks=pytest.mark.soak)])
def test_thousands_of_dlq_entries_are_listed_and_retried_by_label(
    number: int, local: Qstash, eventually: Eventually
) -> None:
    publish(local, number - 150, Retries="0")
    publish(local, 150, Retries="0", Label="x")
    failed = ("logs", "--state", "failed", "--all", "-q")
    # Entries with the label were published last, and listing them is faster.
    eventually(lambda: local(*failed, "--label", "x").out.count("\n") == 150, within_s=120)
    eventually(lambda: local(*failed).out.count("\n") == number, within_s=120)

    assert local("dlq", "list", "--all", "-o", "ids").out.count("\n") == number
    later = ("--retries", "1", "--retry-delay", "86400000")
    retried = local("dlq", "retry", "--label", "x", "--yes", *later)

    assert retried.code == 0, retried
    assert len(set(retried.out.split())) == 150
    assert local("dlq", "list", "--all", "-o", "ids").out.count("\n") == number - 150
    assert local("dlq", "list", "--label", "x", "-o", "ids").out == ""
    deleted = local("dlq", "delete", "--all", "--yes", tty=True)
    assert str(number - 150) in deleted.out
    assert f"Deleted {number - 150:,} DLQ entries" in deleted.err


@pytest.mark.parametrize("words", [("dlq", "delete"), ("dlq", "retry"), ("message", "cancel")])
def test_a_bulk_operation_without_a_filter_is_refused(
    local: Qstash, words: tuple[str, ...]
) -> None:
    assert local(*words, "--yes").code == 2
    assert local(*words, "--all").code == 2
