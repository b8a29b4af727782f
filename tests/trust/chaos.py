"""Random requests to a server that is killed repeatedly, and the fate of each message."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received
from tests import plain_http

_DLQ_SHARE = 0.04
_CANCEL_SHARE = 0.1


def respond(request: Received) -> tuple[int, bytes]:
    """Responds as a destination that fails for paths with `fail`."""
    return (500, b"no") if "fail" in request.path else (200, b"ok")


@dataclass
class Acknowledged:
    """Requests that the server acknowledged, and requests without a response."""

    published: dict[str, str] = field(default_factory=dict)
    cancelled: dict[str, float] = field(default_factory=dict)
    asked_to_cancel: set[str] = field(default_factory=set)
    dlq_of: dict[str, str] = field(default_factory=dict)
    taken_from_dlq: set[str] = field(default_factory=set)
    twice_used_dlq_ids: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Chaos:
    """Threads that send random requests, each with its own seed."""

    def __init__(self, destination: str, seed: int) -> None:
        self.said = Acknowledged()
        self._destination = destination
        self._seed = seed
        self._end = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, url: str, threads: int) -> None:
        """Starts sending requests to the server at this URL."""
        self._end.clear()
        for _ in range(threads):
            self._seed += 1
            self._threads.append(threading.Thread(target=self._work, args=(url, self._seed)))
            self._threads[-1].start()

    def has_published(self, count: int) -> bool:
        """Whether at least `count` messages were acknowledged."""
        return len(self.said.published) >= count

    def stop(self) -> None:
        """Stops after the requests in flight."""
        self._end.set()
        while self._threads:
            self._threads.pop().join()

    def _work(self, url: str, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - no secret
        headers = {"Authorization": f"Bearer {DEV_USER.token}"}
        with (
            plain_http.Client(base_url=url, headers=headers, timeout=60) as http,
            # The server was killed.
            suppress(httpx.TransportError),
        ):
            while not self._end.is_set():
                share = chance.random()
                if share < _DLQ_SHARE:
                    self._take_from_dlq(http, chance)
                elif share < _DLQ_SHARE + _CANCEL_SHARE:
                    self._cancel(http, chance)
                else:
                    self._publish(http, chance)

    def _publish(self, http: httpx.Client, chance: random.Random) -> None:
        kind = chance.choice(("now", "now", "fail", "delayed", "queued", "flow"))
        headers = {
            "now": {"Upstash-Retries": "1"},
            "fail": {"Upstash-Retries": chance.choice("01"), "Upstash-Retry-Delay": "500"},
            "delayed": {"Upstash-Delay": f"{chance.randrange(20, 90)}s"},
            "queued": {"Upstash-Queue-Name": chance.choice("abc")},
            "flow": {
                "Upstash-Flow-Control-Key": "f",
                "Upstash-Flow-Control-Value": "parallelism=4",
            },
        }[kind]
        done = http.post(f"/v2/publish/{self._destination}/{kind}", headers=headers)
        done.raise_for_status()
        with self.said.lock:
            self.said.published[done.json()["messageId"]] = kind

    def _cancel(self, http: httpx.Client, chance: random.Random) -> None:
        with self.said.lock:
            ids = [i for i, kind in self.said.published.items() if kind == "delayed"]
        if not ids:
            return
        # The newest are not due yet, even if the machine is slow.
        message_id = chance.choice(ids[-chance.choice((2, 20)) :])
        with self.said.lock:
            self.said.asked_to_cancel.add(message_id)
        done = http.delete(f"/v2/messages/{message_id}")
        if done.status_code == httpx.codes.ACCEPTED:
            with self.said.lock:
                self.said.cancelled[message_id] = time.monotonic()

    def _take_from_dlq(self, http: httpx.Client, chance: random.Random) -> None:
        order = chance.choice(("earliestFirst", "latestFirst"))
        entries = http.get("/v2/dlq", params={"count": 10, "order": order}).json()["messages"]
        with self.said.lock:
            self.note(entries)
        if not entries:
            return
        entry = chance.choice(entries)
        with self.said.lock:
            self.said.taken_from_dlq.add(entry["messageId"])
        if chance.random() < 1 / 2:
            http.delete(f"/v2/dlq/{entry['dlqId']}")
            return
        done = http.post(f"/v2/dlq/retry/{entry['dlqId']}")
        if done.is_success:
            with self.said.lock:
                self.said.published[done.json()["messageId"]] = "fail"

    def note(self, entries: list[dict[str, Any]]) -> None:
        """Records the message of each DLQ id, and DLQ ids that were used twice."""
        for entry in entries:
            known = self.said.dlq_of.setdefault(entry["dlqId"], entry["messageId"])
            if known != entry["messageId"]:
                self.said.twice_used_dlq_ids.add(entry["dlqId"])

    def lost(self, http: httpx.Client, endpoint: LocalEndpoint) -> set[str]:
        """Returns acknowledged messages that were not delivered and are not in the DLQ."""
        arrived = {r.header("upstash-message-id") for r in list(endpoint.received)}
        dlq_messages = self._dlq_messages(http)
        return {
            message_id
            for message_id, kind in self.said.published.items()
            if message_id not in self.said.asked_to_cancel
            and not (
                message_id in arrived
                and (kind != "fail" or message_id in dlq_messages | self.said.taken_from_dlq)
            )
        }

    def _dlq_messages(self, http: httpx.Client) -> set[str]:
        dlq_messages: set[str] = set()
        cursor = ""
        while True:
            given = {"count": "100"} | ({"cursor": cursor} if cursor else {})
            page = http.get("/v2/dlq", params=given).json()
            self.note(page["messages"])
            dlq_messages |= {entry["messageId"] for entry in page["messages"]}
            cursor = page.get("cursor", "")
            if not cursor:
                return dlq_messages


def delivered_after_cancel(said: Acknowledged, endpoint: LocalEndpoint, path: Path) -> set[str]:
    """Returns cancelled messages that were started after the stored cancel, or delivered twice.

    `path` is the database of a stopped server.
    """
    arrived = Counter(r.header("upstash-message-id") for r in endpoint.received)
    with sqlite3.connect(path) as connection:
        steps = connection.execute("SELECT message_id, state FROM logs ORDER BY seq").fetchall()
    connection.close()
    begun: Counter[str] = Counter()
    ended: set[str] = set()
    wrong: set[str] = set()
    for message_id, state in steps:
        if state == "CANCELLED":
            ended.add(message_id)
        if state == "ACTIVE":
            begun[message_id] += 1
            wrong |= {message_id} & ended
    return {i for i in said.cancelled if i in wrong or arrived[i] > begun[i]}


def fired_minutes(path: Path) -> list[int]:
    """Returns the minutes of server time in which schedules fired, in order."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT created_ms FROM messages WHERE schedule_id IS NOT NULL ORDER BY seq"
        ).fetchall()
    connection.close()
    return [created_ms // 60_000 for (created_ms,) in rows]
