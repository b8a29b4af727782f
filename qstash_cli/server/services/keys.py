"""The signing keys. Source: QStash docs, "Signing keys"."""

from __future__ import annotations

from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import keys
from qstash_cli.server.storage.keys import KeyPair


async def get(account: Account) -> KeyPair:
    """Returns the current signing key and the next one."""
    return await account.store.run(keys.read)


async def rotate(account: Account) -> KeyPair:
    """Rotates the keys, and returns the new ones."""
    return await account.store.run(lambda connection: keys.rotate(connection, account.new_id))
