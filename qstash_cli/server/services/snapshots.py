"""Saving and loading all data of an account."""

from __future__ import annotations

from qstash_cli.protocol.dev_credentials import Credentials
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.accounts import Accounts
from qstash_cli.server.storage import snapshots


async def save(account: Account) -> bytes:
    """Returns a snapshot. Raises `BadInput` if it would be too large."""
    now_ms = account.clock.now_ms()
    return await account.store.run_outside(lambda connection: snapshots.save(connection, now_ms))


async def load(accounts: Accounts, user: Credentials, data: bytes) -> None:
    """Replaces all data of a user by a snapshot, or changes nothing and raises `BadInput`.

    A manual clock moves to the time of the snapshot. Deliveries in flight end, and those that were
    in flight when the snapshot was saved begin again.
    """
    with snapshots.opened(data) as (source, clock_ms):
        try:
            await accounts.replace(user, source, clock_ms)
        except Exception as fault:
            detail = f"{type(fault).__name__}: {fault}"
            raise snapshots.incompatible(f"its content is damaged: {detail}") from fault
