"""The steps that apply a manifest to an account, and their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from qstash_cli.manifest import marks
from qstash_cli.manifest.account import (
    AccountState,
    StoredSchedule,
    read_pins,
    read_queues,
    read_schedules,
)
from qstash_cli.manifest.resources import DesiredEndpoint, Manifest, Pin, Queue, Schedule, UrlGroup
from qstash_cli.manifest.schema import parse
from qstash_cli.manifest.steps import Plan, plan
from qstash_cli.manifest.validation import Validation
from qstash_cli.manifest.volume import daily_messages, schedules_after
from qstash_cli.protocol.options import MessageOptions
from tests.manifest.strategies import manifests

URL = "https://example.com"


def read(text: str) -> Manifest:
    return parse(text.encode(), "qstash.toml", {}, Validation())


def described(made: Plan) -> list[str]:
    return [f"{step.action} {step.kind} {step.name}" for step in made.steps]


def fields(made: Plan) -> dict[str, tuple[Any, Any]]:
    return {c.field: (c.old, c.new) for step in made.steps for c in step.changes}


def sent(made: Plan) -> list[str]:
    return [f"{r.method} {r.path}" for step in made.steps for r in step.requests]


def managed(schedule: Schedule) -> StoredSchedule:
    digest = marks.hidden_digest(schedule.options, schedule.body)
    return StoredSchedule(schedule=schedule, is_managed=True, digest=digest)


FULL = """
[schedules.s]
destination = "g"
cron = "@daily"
[urlgroups.g]
endpoints = ["https://example.com"]
[flow.k]
rate = 1
[queues.q]
"""


def test_dependencies_of_schedules_are_created_before_and_removed_after_them() -> None:
    manifest, group = read(FULL), UrlGroup(endpoints=(DesiredEndpoint(url=URL),))
    account = AccountState(
        queues={"old": Queue()},
        flow={"old": Pin(rate=1)},
        urlgroups={"old": group},
        schedules={"old": managed(Schedule(destination="old", cron="@daily"))},
    )

    assert described(plan(manifest, account, prune=True)) == [
        "create queue q", "create flow k", "create urlgroup g", "create schedule s",
        "delete schedule old", "delete urlgroup old", "delete flow old", "delete queue old",
    ]  # fmt: skip


def test_nothing_is_removed_without_pruning() -> None:
    made = plan(read("[queues]"), AccountState(queues={"old": Queue()}), prune=False)

    assert described(made) == []
    assert made.kept == (("queue", "old"),)


def test_pruning_keeps_absent_kinds_and_unmanaged_schedules() -> None:
    account = AccountState(
        queues={"old": Queue()},
        schedules={"by-hand": StoredSchedule(schedule=Schedule(destination=URL, cron="@daily"))},
    )

    assert described(plan(read("[schedules]"), account, prune=True)) == []
    assert described(plan(read("[queues]"), account, prune=True)) == ["delete queue old"]


@given(manifests())
def test_an_account_that_matches_the_manifest_needs_no_steps(manifest: Manifest) -> None:
    account = AccountState(
        queues=manifest.queues or {},
        flow=manifest.flow or {},
        urlgroups=manifest.urlgroups or {},
        schedules={name: managed(one) for name, one in (manifest.schedules or {}).items()},
    )

    assert plan(manifest, account, prune=True) == Plan(steps=())


@pytest.mark.parametrize(
    "cron", ["0 0 * * *", " @midnight", "CRON_TZ=UTC 0 0 * * *", "TZ=UTC  0  0 * * *"]
)
def test_equivalent_cron_expressions_are_equal(cron: str) -> None:
    account = AccountState(schedules={"s": managed(Schedule(destination=URL, cron=cron))})

    made = plan(
        read(f'[schedules.s]\ndestination = "{URL}"\ncron = "@daily"'), account, prune=False
    )

    assert made.steps == ()


def test_omitted_options_are_reset_to_their_defaults() -> None:
    options = MessageOptions(
        method="PUT", retries=0, flow_key="k", rate=1, period_s=60, headers=(("X-A", "b"),),
        queue="q",
    )  # fmt: skip
    stored = Schedule(
        destination=URL,
        cron="CRON_TZ=Europe/Berlin @daily",
        paused=True,
        body=b"x",
        options=options,
    )
    made = plan(
        read(f'[schedules.s]\ndestination = "{URL}"\ncron = "@daily"\n[queues.q]\n'),
        AccountState(
            schedules={"s": managed(stored)}, queues={"q": Queue(parallelism=3, paused=True)}
        ),
        prune=False,
    )

    assert fields(made) == {
        "parallelism": (3, 1), "paused": (True, False), "method": ("PUT", "POST"),
        "retries": (0, 3), "tz": ("Europe/Berlin", "UTC"), "flow_key": ("k", None),
        "rate": (1, None), "period": ("1m", None), "headers.X-A": ("b", None), "queue": ("q", None),
        "body": ("x", None),
    }  # fmt: skip
    assert sent(made) == [
        "POST /v2/queues", "POST /v2/queues/q/resume", f"POST /v2/schedules/{URL}",
        "PATCH /v2/schedules/s/resume",
    ]  # fmt: skip


def test_pausing_does_not_replace_the_schedule() -> None:
    stored = managed(Schedule(destination=URL, cron="@daily"))
    text = f'[schedules.s]\ndestination = "{URL}"\ncron = "@daily"\npaused = true'

    made = plan(read(text), AccountState(schedules={"s": stored}), prune=False)

    assert sent(made) == ["PATCH /v2/schedules/s/pause"]


def test_an_unmanaged_schedule_is_taken_over() -> None:
    schedule = Schedule(destination=URL, cron="@daily", paused=True)
    text = f'[schedules.s]\ndestination = "{URL}"\ncron = "@daily"\npaused = true'

    made = plan(
        read(text), AccountState(schedules={"s": StoredSchedule(schedule=schedule)}), prune=False
    )

    (step,) = made.steps
    assert (step.action, step.takes_over, step.changes) == ("change", True, ())
    assert sent(made) == [f"POST /v2/schedules/{URL}", "PATCH /v2/schedules/s/pause"]
    assert ("Upstash-Label", marks.MANAGED) in step.requests[0].headers


HIDING = f"""
[schedules.s]
destination = "{URL}"
cron = "@daily"
body = "new"
redact = "body"
callback = {{url = "{URL}/done", retries = 2}}
"""


def stored_as_shown(manifest: Manifest) -> StoredSchedule:
    assert manifest.schedules is not None
    one = manifest.schedules["s"]
    options = replace(one.options, redact=(), on_callback=None)
    body = b"REDACTED:" + b"0" * 64 if one.options.redact else one.body
    return replace(managed(one), schedule=replace(one, options=options, body=body))


def test_hidden_options_are_compared_by_digest() -> None:
    manifest = read(HIDING)
    account = AccountState(schedules={"s": stored_as_shown(manifest)})

    assert plan(manifest, account, prune=False).steps == ()
    for old, new in (("retries = 2", "retries = 3"), ('"new"', '"newer"'), ('"body"', '"headers"')):
        changed = plan(read(HIDING.replace(old, new)), account, prune=False)
        assert described(changed) == ["change schedule s"], new
    gone = plan(read(HIDING.partition("body")[0]), account, prune=False)
    assert fields(gone)["hidden options"] == ("(not returned by QStash)", None)


def test_a_visible_change_is_reported_beside_hidden_options() -> None:
    account = AccountState(schedules={"s": stored_as_shown(read(HIDING))})

    made = plan(read(HIDING.replace("@daily", "@hourly")), account, prune=False)

    assert fields(made) == {"cron": ("@daily", "@hourly")}


def test_limits_that_are_no_longer_in_the_manifest_are_unpinned() -> None:
    account = AccountState(flow={"k": Pin(rate=5, period_s=60, parallelism=2)})

    made = plan(read("[flow.k]\nparallelism = 3"), account, prune=False)

    assert fields(made) == {"rate": (5, None), "period": ("1m", None), "parallelism": (2, 3)}
    assert [r.query for r in made.steps[0].requests] == [
        (("rate", "true"),), (("parallelism", "3"),),
    ]  # fmt: skip


def test_keys_created_by_messages_are_not_pins() -> None:
    record: Any = {
        "flowControlKey": "k", "parallelismMax": 3, "rateMax": 5, "ratePeriod": 60,
        "isPinnedParallelism": False, "isPinnedRate": True,
    }  # fmt: skip

    assert read_pins([record]) == {"k": Pin(rate=5, period_s=60)}
    assert read_pins([record | {"isPinnedRate": False}]) == {}


def test_responses_without_optional_fields_are_accepted() -> None:
    queue: Any = {"name": "q", "parallelism": 1, "lag": 0, "createdAt": 1, "updatedAt": 1}
    schedule: Any = {
        "scheduleId": "s", "cron": "@daily", "destination": URL, "createdAt": 1, "method": "POST",
        "retries": 3, "parallelism": 0, "label": "a", "callback": "",
    }  # fmt: skip

    assert read_queues([queue]) == {"q": Queue()}
    assert read_schedules([schedule])["s"].schedule == Schedule(
        destination=URL,
        cron="@daily",
        options=MessageOptions(method="POST", retries=3, label=("a",)),
    )


def test_daily_messages_include_endpoints_and_callbacks_but_not_paused_schedules() -> None:
    manifest = read(f"""
        [urlgroups.g]
        endpoints = ["{URL}/a", "{URL}/b"]
        [schedules.to-group]
        destination = "g"
        cron = "*/15 9-16 * * 1-5"
        [schedules.with-callback]
        destination = "{URL}"
        cron = "@hourly"
        callback = "{URL}/done"
        [schedules.paused]
        destination = "{URL}"
        cron = "* * * * *"
        paused = true
    """)
    account = AccountState(
        schedules={
            "by-hand": StoredSchedule(schedule=Schedule(destination=URL, cron="@daily")),
            "unreadable": StoredSchedule(schedule=Schedule(destination=URL, cron="@every 1h")),
        }
    )

    after = schedules_after(manifest, account, plan(manifest, account, prune=True))

    assert manifest.urlgroups is not None
    total = sum(daily_messages(after, manifest.urlgroups).values())
    assert round(total) == round(32 * 5 / 7 * 2 + 48 + 1)
