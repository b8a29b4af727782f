"""The limits of a plan, with QStash's messages and the headers that the SDKs read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from qstash_cli.cli.run_options import OutputOptions, RunOptions
from qstash_cli.client.api import keys
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.limits import PLANS, PlanLimits
from qstash_cli.server.http import app
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http
from tests.in_process import Qstash
from tests.stopping import stopped_later

TO = "/v2/publish/http://127.0.0.1:9/"


@contextmanager
def connected(limits: PlanLimits) -> Iterator[httpx.Client]:
    """A server whose clock is moved by hand: no day ends unless a test ends it."""
    headers = {"Authorization": f"Bearer {DEV_USER.token}"}
    with (
        stopped_later(running_server(ServerConfig(port=0, limits=limits, speed=0))) as url,
        plain_http.Client(base_url=url, headers=headers) as http,
    ):
        yield http


def pass_minutes(http: httpx.Client, count: int) -> None:
    """Moves the server's clock, and waits for the deliveries."""
    moved = http.post("/console/api/clock", json={"advance": f"{count}m"}).json()
    assert moved["settled"]


@pytest.fixture
def seconds(qstash: Qstash, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the seconds of the burst limit pass only while a command waits."""
    qstash.hurry(lambda: 1_900_000_000.0)
    monkeypatch.setattr(app, "time", SimpleNamespace(time=qstash.now))


@pytest.fixture
def free(seconds: None) -> Iterator[httpx.Client]:  # noqa: ARG001 - the server reads this clock
    limits = PLANS["free"]._replace(requests_per_s=40)
    with connected(limits) as http:
        yield http


@pytest.mark.parametrize(
    ("path", "request_", "words"),
    [
        (TO, {"headers": {"Upstash-Retries": "4"}}, "maxRetries exceeded, current limit: 3"),
        (TO, {"headers": {"Upstash-Delay": "8d"}}, "maxDelay exceeded, current limit: 604800"),
        (
            TO,
            {"headers": {"Upstash-Not-Before": "99999999999"}},
            "maxDelay exceeded, current limit: 604800",
        ),
        (TO, {"headers": {"Upstash-Timeout": "1h"}}, "maxTimeout exceeded, current limit: 900"),
        (TO, {"content": b"x" * 1_048_577}, "maxMessageSize exceeded, current limit: 1048576"),
        (
            "/v2/batch",
            {"json": [{"destination": "http://x.example", "headers": {"Upstash-Delay": "8d"}}]},
            "maxDelay exceeded, current limit: 604800",
        ),
        (
            "/v2/queues",
            {"json": {"queueName": "q", "parallelism": 3}},
            "maxParallelism exceeded, current limit: 2",
        ),
        (
            "/v2/topics/g/endpoints",
            {"json": {"endpoints": [{"url": f"http://x.example/{n}"} for n in range(101)]}},
            "maxEndpointsPerTopic exceeded, current limit: 100",
        ),
    ],
)
def test_requests_over_the_plan_are_refused(
    free: httpx.Client, path: str, request_: dict[str, Any], words: str
) -> None:
    refused = free.post(path, **request_)

    assert refused.status_code == 412
    assert refused.json() == {"error": f"quota {words}"}


def test_one_resource_too_many_is_refused_and_existing_ones_can_be_changed(
    free: httpx.Client,
) -> None:
    endpoints = {"endpoints": [{"url": "http://x.example"}]}
    cron = {"Upstash-Cron": "0 0 1 1 *"}
    for number in range(10):
        assert free.post(f"/v2/enqueue/q{number}/http://127.0.0.1:9").status_code == 201
        named = cron | {"Upstash-Schedule-Id": f"s{number}"}
        # Another test covers the burst limit.
        created = free.post("/v2/publish/http://x.example", headers=named)
        assert created.status_code == 201
    assert free.post("/v2/topics/g/endpoints", json=endpoints).status_code == 200

    assert free.post("/v2/queues", json={"queueName": "q1", "parallelism": 2}).status_code == 200
    assert free.post("/v2/topics/g/endpoints", json=endpoints).status_code == 200
    assert free.post("/v2/schedules/http://x.example", headers=named).status_code == 201
    for refused, words in (
        (free.post("/v2/enqueue/more/http://127.0.0.1:9"), "maxQueues exceeded, current limit: 10"),
        (free.post("/v2/queues", json={"queueName": "more"}), "maxQueues exceeded"),
        (free.post("/v2/topics/more/endpoints", json=endpoints), "maxTopics exceeded"),
        (free.post("/v2/schedules/http://x.example", headers=cron), "maxSchedules exceeded"),
    ):
        assert refused.status_code == 412
        assert words in refused.json()["error"]
    assert free.get("/v2/topics/more").status_code == 404


def test_the_daily_messages_are_limited(free: httpx.Client) -> None:
    items = [{"destination": "http://x.example", "headers": {"Upstash-Delay": "1d"}}] * 999
    assert free.post("/v2/batch", json=items).status_code == 200
    assert free.post(TO).status_code == 201

    refused = free.post(TO)

    assert refused.status_code == 429
    assert refused.headers["RateLimit-Limit"] == "1000"
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert int(refused.headers["RateLimit-Reset"]) % 86_400 == 0
    assert not any(name.startswith("burst") for name in refused.headers)


def test_a_burst_of_lists_is_refused_and_publishing_is_not(free: httpx.Client) -> None:
    responses = [free.get("/v2/queues") for _ in range(41)]

    assert [one.status_code for one in responses] == [200] * 40 + [429]
    refused = responses[-1]
    assert refused.headers["Burst-RateLimit-Limit"] == "40"
    assert refused.headers["Burst-RateLimit-Remaining"] == "0"
    assert "RateLimit-Limit" not in refused.headers
    assert free.post(TO).status_code == 201


def test_the_command_waits_for_the_burst_limit_and_reports_the_plan_limit(
    qstash: Qstash, free: httpx.Client
) -> None:
    qstash.env |= {"QSTASH_URL": str(free.base_url), "QSTASH_TOKEN": DEV_USER.token}
    while free.get("/v2/queues").status_code != 429:
        pass

    refused_at = qstash.now()
    listed = qstash("queue", "list")
    refused = qstash("publish", "http://127.0.0.1:9", "--retries", "4")

    assert listed.code == 0, listed
    assert qstash.now() > refused_at
    assert refused.code == 5, refused
    assert "quota maxRetries exceeded, current limit: 3" in refused.err


@pytest.mark.usefixtures("seconds")
def test_a_client_that_reads_the_headers_is_never_refused(qstash: Qstash) -> None:
    limits = PLANS["free"]._replace(requests_per_s=3)
    with connected(limits) as http:
        qstash.env |= {"QSTASH_URL": str(http.base_url), "QSTASH_TOKEN": DEV_USER.token}
        invocation = qstash.invocation()
        ctx = invocation.ctx.with_options(RunOptions(output=OutputOptions(verbose=True)))
        for _ in range(9):
            ctx.client.send(keys.get())
        ctx.close()

    trace = invocation.err.getvalue()
    assert trace.count("< 200 OK") == 9
    assert trace.count("< burst-ratelimit-limit: 3") == 9


def test_a_schedule_uses_daily_messages_and_reports_when_none_remain() -> None:
    limits = PLANS["free"]._replace(messages_per_day=3, requests_per_s=None)
    with connected(limits) as http:
        set_clock = {"set": "2030-01-01T12:00:30Z", "skip": True}
        http.post("/console/api/clock", json=set_clock).raise_for_status()
        every_minute = {"Upstash-Cron": "* * * * *", "Upstash-Schedule-Id": "s"}
        http.post("/v2/schedules/http://127.0.0.1:9/", headers=every_minute)

        pass_minutes(http, 3)
        assert "error" not in http.get("/v2/schedules/s").json()
        pass_minutes(http, 1)

        error = http.get("/v2/schedules/s").json()["error"]
        assert error == "daily message limit exceeded, current limit: 3"
        created = http.get("/v2/logs?state=CREATED").json()["logs"]
        assert len(created) == 3
        assert {entry["scheduleId"] for entry in created} == {"s"}
        assert http.post(TO).status_code == 429


def test_a_schedule_of_a_new_queue_is_subject_to_the_number_of_queues() -> None:
    limits = PLANS["free"]._replace(queues=1, requests_per_s=None)
    with connected(limits) as http:
        http.post("/v2/queues", json={"queueName": "first"})
        queued = {"Upstash-Cron": "* * * * *", "Upstash-Queue-Name": "second"}
        http.post("/v2/schedules/http://127.0.0.1:9/", headers=queued)

        pass_minutes(http, 1)

        error = http.get("/v2/schedules").json()[0]["error"]
        assert error == "quota maxQueues exceeded, current limit: 1"
        assert [queue["name"] for queue in http.get("/v2/queues").json()] == ["first"]


@pytest.mark.parametrize("path", ["/v2/dlq/retry/{}", "/v2/dlq/retry?dlqIds={}"])
def test_a_retry_from_the_dlq_counts_as_a_message(
    eventually: Callable[..., object], path: str
) -> None:
    limits = PLANS["free"]._replace(messages_per_day=2, requests_per_s=None)
    with connected(limits) as http:
        http.post(TO, headers={"Upstash-Retries": "0"})

        def dlq_id() -> str | None:
            entries = http.get("/v2/dlq").json()["messages"]
            return entries[0]["dlqId"] if entries else None

        lost = eventually(dlq_id)
        refused = http.post(path.format(lost), headers={"Upstash-Retries": "4"})
        assert refused.status_code == 412
        assert refused.json() == {"error": "quota maxRetries exceeded, current limit: 3"}
        assert http.post(path.format(lost), headers={"Upstash-Retries": "0"}).status_code == 201
        eventually(dlq_id)

        refused = http.post(path.format(dlq_id()))

        assert refused.status_code == 429
        assert refused.json() == {"error": "daily message limit exceeded, current limit: 2"}
        assert dlq_id() is not None
