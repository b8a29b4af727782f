"""What a manifest says: schedules, URL groups, queues and pins of flow control keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.options import MessageOptions

Kind = Literal["queue", "flow", "urlgroup", "schedule"]
# In the order in which they are made, so that schedules find what they use.
KINDS: tuple[Kind, ...] = ("queue", "flow", "urlgroup", "schedule")
TABLES: Mapping[Kind, str] = {
    "queue": "queues", "flow": "flow", "urlgroup": "urlgroups", "schedule": "schedules",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule. `cron` has its zone in front; the options have neither cron nor id in them."""

    destination: str
    cron: str
    body: bytes = b""
    paused: bool = False
    options: MessageOptions = field(default_factory=MessageOptions)


@dataclass(frozen=True, kw_only=True)
class DesiredEndpoint:
    """An endpoint of a URL group; one without a name has an empty one."""

    url: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class UrlGroup:
    """A URL group. The headers are as QStash stores them, with `Upstash-Forward-` names."""

    endpoints: tuple[DesiredEndpoint, ...]
    headers: Headers = ()


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue."""

    parallelism: int = 1
    paused: bool = False


@dataclass(frozen=True, kw_only=True)
class Pin:
    """Limits of a flow control key that no message changes."""

    parallelism: int | None = None
    rate: int | None = None
    period_s: int = 1


Resource = Schedule | UrlGroup | Queue | Pin


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an account is to have, by name; None for a kind that the manifest does not name.

    `secrets` are the values of variables that look like secrets, and `secret_paths` the keys under
    which they stand, in lower case: they are never shown.
    """

    queues: Mapping[str, Queue] | None = None
    flow: Mapping[str, Pin] | None = None
    urlgroups: Mapping[str, UrlGroup] | None = None
    schedules: Mapping[str, Schedule] | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    secret_paths: frozenset[tuple[str, ...]] = frozenset()

    def of(self, kind: Kind) -> Mapping[str, Resource] | None:
        """The resources of a kind."""
        found: Mapping[str, Resource] | None = getattr(self, TABLES[kind])
        return found

    def conceal(self, text: str) -> str:
        """The text without the values of secret variables."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text
