"""URL groups. Source: QStash docs, "URL groups"."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.storage import url_groups
from qstash_cli.server.storage.store import Connection
from qstash_cli.server.storage.url_groups import UrlGroup

# An endpoint has a url, a name or both.
Endpoint = dict[str, str]


async def list_all(account: Account) -> list[UrlGroup]:
    """Returns all groups by name."""
    return await account.store.run(url_groups.list_all)


async def get(account: Account, name: str) -> UrlGroup:
    """Returns the group with this name. Raises `ApiError` if there isn't one."""
    return await account.store.run(lambda connection: url_groups.get(connection, name))


async def delete(account: Account, name: str) -> None:
    """Deletes a group if it exists."""
    await account.store.run(lambda connection: url_groups.delete(connection, name))


async def add_endpoints(account: Account, name: str, endpoints: Sequence[Endpoint]) -> None:
    """Adds endpoints to a group, which is created if it does not exist.

    Raises `ApiError` if the plan does not allow another group, or that many endpoints.
    """
    now_ms = account.clock.now_ms()

    def add(connection: Connection) -> None:
        quota.validate_count(connection, account.limits, "urlgroups", name)
        url_groups.add(connection, name, endpoints, now_ms)
        count = len(url_groups.get(connection, name).endpoints)
        quota.validate_limit("EndpointsPerTopic", count, account.limits.endpoints)

    await account.store.run(add)


async def remove_endpoints(account: Account, name: str, endpoints: Sequence[Endpoint]) -> None:
    """Removes endpoints from a group. Raises `ApiError` if the group does not exist."""
    now_ms = account.clock.now_ms()
    await account.store.run(
        lambda connection: url_groups.remove_endpoints(connection, name, endpoints, now_ms)
    )


async def set_headers(account: Account, name: str, headers: Headers) -> None:
    """Replaces the default headers of a group. Raises `ApiError` if it does not exist."""
    now_ms = account.clock.now_ms()
    await account.store.run(
        lambda connection: url_groups.set_headers(connection, name, headers, now_ms)
    )
