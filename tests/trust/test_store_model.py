"""The store against a model: exactly the committed data survives any crash.

A crash is a copy of the files, taken between two transactions or during one.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.delivery import attempts, cancelling
from qstash_cli.server.delivery.attempts import AttemptContext
from qstash_cli.server.delivery.http_attempt import AttemptResponse
from qstash_cli.server.delivery.workflow_runs import RunContext, RunEnd
from qstash_cli.server.services import firing, publishing, schedules
from qstash_cli.server.services.publish_rules import PublishRequest
from qstash_cli.server.storage import dlq, messages
from qstash_cli.server.storage.store import Store
from tests.figures import Figures

MODEL = "server, store model"
T = TypeVar("T")
URL = "http://127.0.0.1:9/"
MINUTE_MS = 60_000
BEGAN_MS = 1_800_000_000_000
ENDS = {
    True: AttemptResponse(status=200, body=b"ok"),
    False: AttemptResponse(status=500, body=b"no"),
}
ATTEMPTS = 2


class Crashed(Exception):
    """Raised in the transaction during which the copy was taken."""


class Life(RuleBasedStateMachine):
    """The expected messages, DLQ entries and schedules after each step."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.numbers = itertools.count()
        self.path = self.folder / "first"
        self.store = Store(self.path)
        self.now_ms = BEGAN_MS
        self.status: dict[str, str] = {}
        self.failures: dict[str, int] = {}
        self.dlq_messages: set[str] = set()
        self.ever_buried: set[str] = set()
        self.dlq_ids: set[str] = set()
        self.fired: list[int] = []
        self.crashes_next = False

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers)}"

    def do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a job. Raises `Crashed` with the previous state if the job was to crash."""
        Life.steps += 1
        if not self.crashes_next:
            return asyncio.run(self.store.run(job))
        self.crashes_next = False
        image = self.folder / str(next(self.numbers))

        def job_that_is_cut_off(connection: sqlite3.Connection) -> None:
            job(connection)
            self.copy_to(image)

        asyncio.run(self.store.run(job_that_is_cut_off))
        self.go_on_with(image)
        raise Crashed

    def copy_to(self, image: Path) -> None:
        for ending in ("", "-wal"):
            if (part := self.path.with_name(self.path.name + ending)).exists():
                shutil.copy(part, image.with_name(image.name + ending))

    def go_on_with(self, image: Path) -> None:
        self.store.close()
        self.path = image
        self.store = Store(image)
        # As the engine does at start-up.
        asyncio.run(self.store.run(lambda c: cancelling.complete_all(c, self.now_ms)))
        for message_id, status in self.status.items():
            if status == "cancelling":
                self.status[message_id] = "cancelled"

    @rule()
    def crash(self) -> None:
        image = self.folder / str(next(self.numbers))
        self.copy_to(image)
        self.go_on_with(image)

    @rule()
    def crash_in_the_next_step(self) -> None:
        self.crashes_next = True

    @rule(queue=st.sampled_from([None, "a", "b"]), minutes=st.integers(0, 3))
    def publish(self, queue: str | None, minutes: int) -> None:
        headers: Headers = (("Upstash-Retries", str(ATTEMPTS - 1)),)
        if queue is None:
            headers += (("Upstash-Delay", f"{minutes}m"),)
        request = PublishRequest(
            destination=URL, headers=headers, body=b"x", now_ms=self.now_ms, caller_ip="::1",
            queue=queue,
        )  # fmt: skip
        try:
            result = self.do(lambda c: publishing.store_publish(c, request, self.new_id))
        except Crashed:
            return
        self.status[result.content["messageId"]] = "live"

    def run_context(self) -> RunContext:
        return RunContext(self.now_ms, self.new_id, lambda _id: False)

    def live(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from([i for i, s in self.status.items() if s == "live"]))

    @precondition(lambda self: "live" in self.status.values())
    @rule(data=st.data(), is_success=st.booleans(), is_cancelled=st.booleans())
    def attempt(self, data: st.DataObject, *, is_success: bool, is_cancelled: bool) -> None:
        message_id = self.live(data)
        try:
            message = self.do(lambda c: attempts.begin(c, message_id, self.run_context()))
            assert not isinstance(message, RunEnd)
            if is_cancelled:
                self.do(lambda c: cancelling.cancel(c, message_id, self.now_ms, is_in_flight=True))
                self.status[message_id] = "cancelling"
            context = AttemptContext(
                self.now_ms, now_s=0, new_id=self.new_id, is_in_flight=message_id.__eq__
            )
            self.do(lambda c: attempts.end(c, message, ENDS[is_success], context))
        except Crashed:
            return
        failed = self.failures.get(message_id, 0) + (not is_success)
        self.failures[message_id] = failed
        if is_success:
            self.status[message_id] = "delivered"
        elif is_cancelled:
            self.status[message_id] = "cancelled"
        elif failed == ATTEMPTS:
            self.status[message_id] = "failed"
            self.dlq_messages.add(message_id)
            self.ever_buried.add(message_id)

    @precondition(lambda self: "live" in self.status.values())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        message_id = self.live(data)
        try:
            self.do(lambda c: cancelling.cancel(c, message_id, self.now_ms, is_in_flight=False))
        except Crashed:
            return
        self.status[message_id] = "cancelled"
        assert self.do(lambda c: attempts.begin(c, message_id, self.run_context())) == RunEnd()

    @precondition(lambda self: self.dlq_messages)
    @rule(data=st.data())
    def delete_from_dlq(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.dlq_messages)))
        dlq_id = self.entries()[message_id]
        try:
            self.do(lambda c: dlq.delete(c, [dlq_id]))
        except Crashed:
            return
        self.dlq_messages.remove(message_id)

    @rule()
    def schedule(self) -> None:
        headers = (
            ("Upstash-Cron", "* * * * *"),
            ("Upstash-Schedule-Id", "s"),
            ("Upstash-Retries", str(ATTEMPTS - 1)),
        )
        request = PublishRequest(
            destination=URL, headers=headers, body=b"", now_ms=self.now_ms, caller_ip="::1"
        )
        try:
            self.do(lambda c: schedules.store_schedule(c, request, self.new_id))
        except Crashed:
            return

    @rule(minutes=st.integers(0, 3))
    def time_passes(self, minutes: int) -> None:
        self.now_ms += minutes * MINUTE_MS + 7
        try:
            fired = self.do(lambda c: firing.fire_due(c, self.now_ms, self.new_id))
        except Crashed:
            return
        for one in fired:
            self.status[one.content["messageId"]] = "live"
            self.fired.append(self.now_ms // MINUTE_MS)

    def entries(self) -> dict[str, str]:
        rows = asyncio.run(
            self.store.run(lambda c: c.execute("SELECT message_id, id FROM dlq").fetchall())
        )
        return {row["message_id"]: row["id"] for row in rows}

    @invariant()
    def the_store_holds_what_was_acknowledged_and_nothing_else(self) -> None:
        def read(connection: sqlite3.Connection) -> tuple[dict[str, str], set[str]]:
            rows = connection.execute("SELECT id, status FROM messages").fetchall()
            return {r["id"]: r["status"] for r in rows}, {
                message.id for message in messages.list_live(connection)
            }

        stored, live = asyncio.run(self.store.run(read))

        assert stored == self.status
        assert live == {i for i, status in self.status.items() if status == "live"}
        assert len(self.fired) == len(set(self.fired)), "a minute has fired twice"

    @invariant()
    def the_dlq_holds_what_is_buried_under_ids_of_its_own(self) -> None:
        entries = self.entries()
        assert set(entries) == self.dlq_messages
        self.dlq_ids |= set(entries.values())
        ever_buried = len(self.ever_buried)
        assert len(self.dlq_ids) == ever_buried

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


def assert_lives_are_as_the_model(figures: Figures, lives: int) -> None:
    Life.steps = 0
    limits = settings(
        max_examples=lives, stateful_step_count=40, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    run_state_machine_as_test(Life, settings=limits)
    figures(MODEL, cases=Life.steps, lives=lives)


def test_the_store_matches_the_model_after_crashes(figures: Figures) -> None:
    assert_lives_are_as_the_model(figures, 15)


@pytest.mark.soak
def test_the_store_matches_the_model_after_many_crashes(figures: Figures) -> None:
    assert_lives_are_as_the_model(figures, 1000)
