"""The development server's public credentials. Source: QStash docs, "Local development"."""

from __future__ import annotations

from dataclasses import dataclass, field

DEV_PORT = 8080
DEV_URL = f"http://127.0.0.1:{DEV_PORT}"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user of a QStash server: name, token and signing keys."""

    name: str
    token: str = field(repr=False)
    current_signing_key: str = field(repr=False)
    next_signing_key: str = field(repr=False)


DEV_USER = Credentials(
    name="defaultUser",
    token="eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=",  # noqa: S106 - public
    current_signing_key="sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
    next_signing_key="sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
)
# The server accepts all of these users; `--dev` uses the first.
DEV_USERS = (
    DEV_USER,
    Credentials(
        name="testUser1",
        token="eyJVc2VySUQiOiJ0ZXN0VXNlcjEiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",  # noqa: S106 - public
        current_signing_key="sig_7GVPjvuwsfqF65iC8fSrs1dfYruM",
        next_signing_key="sig_5NoELc3EFnZn4DVS5bDs2Nk4b7Ua",
    ),
    Credentials(
        name="testUser2",
        token="eyJVc2VySUQiOiJ0ZXN0VXNlcjIiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",  # noqa: S106 - public
        current_signing_key="sig_6jWGaWRxHsw4vMSPJprXadyvrybF",
        next_signing_key="sig_7qHbvhmahe5GwfePDiS5Lg3pi6Qx",
    ),
    Credentials(
        name="testUser3",
        token="eyJVc2VySUQiOiJ0ZXN0VXNlcjMiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",  # noqa: S106 - public
        current_signing_key="sig_5T8FcSsynBjn9mMLBsXhpacRovJf",
        next_signing_key="sig_7GFR4YaDshFcqsxWRZpRB161jguD",
    ),
)
