"""The resources of a manifest: schedules, URL groups, queues and pinned flow control keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.options import MessageOptions

Kind = Literal["queue", "flow", "urlgroup", "schedule"]
# In the order of creation: schedules come last, because they use the others.
KINDS: tuple[Kind, ...] = ("queue", "flow", "urlgroup", "schedule")
TABLES: Mapping[Kind, str] = {
    "queue": "queues", "flow": "flow", "urlgroup": "urlgroups", "schedule": "schedules",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule. `cron` includes the time zone; `options` contains neither cron nor id."""

    destination: str
    cron: str
    body: bytes = b""
    paused: bool = False
    options: MessageOptions = field(default_factory=MessageOptions)


@dataclass(frozen=True, kw_only=True)
class DesiredEndpoint:
    """An endpoint of a URL group. An empty `name` means that it has none."""

    url: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class UrlGroup:
    """A URL group. Header names have the prefix `Upstash-Forward-`, as stored by QStash."""

    endpoints: tuple[DesiredEndpoint, ...]
    headers: Headers = ()


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue."""

    parallelism: int = 1
    paused: bool = False


@dataclass(frozen=True, kw_only=True)
class Pin:
    """Pinned limits of a flow control key, which messages cannot change."""

    parallelism: int | None = None
    rate: int | None = None
    period_s: int = 1


Resource = Schedule | UrlGroup | Queue | Pin


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The desired resources by name; None for kinds that are not in the manifest.

    `secrets` are the values of variables that appear to be secrets, and `secret_paths` their keys
    in lower case. Both are never displayed.
    """

    queues: Mapping[str, Queue] | None = None
    flow: Mapping[str, Pin] | None = None
    urlgroups: Mapping[str, UrlGroup] | None = None
    schedules: Mapping[str, Schedule] | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    secret_paths: frozenset[tuple[str, ...]] = frozenset()

    def of(self, kind: Kind) -> Mapping[str, Resource] | None:
        """Returns the resources of a kind."""
        found: Mapping[str, Resource] | None = getattr(self, TABLES[kind])
        return found

    def conceal(self, text: str) -> str:
        """Masks the values of secret variables in a text."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text
