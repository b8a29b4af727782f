"""The development server's public credentials. Source: QStash docs, "Local development"."""

from __future__ import annotations

from dataclasses import field

from qstash_cli.frozen import dataclass

DEV_PORT = 8080
DEV_URL = f"http://127.0.0.1:{DEV_PORT}"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What one user of a QStash server has."""

    token: str = field(repr=False)
    current_signing_key: str = field(repr=False)
    next_signing_key: str = field(repr=False)


DEV_USER = Credentials(
    token="eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=",  # noqa: S106 - public
    current_signing_key="sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
    next_signing_key="sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
)
