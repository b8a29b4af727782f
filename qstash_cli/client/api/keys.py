"""The signing keys of the account."""

from __future__ import annotations

import re

from qstash_cli.client.request import Request
from qstash_cli.errors import QstashError
from qstash_cli.protocol.records import SigningKeys

# Keys are written into lines for shells, which would interpret any other character.
_KEY = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


def validated(response: SigningKeys) -> SigningKeys:
    """Returns the keys unchanged. Raises `QstashError` for a text that cannot be a key."""
    for name, key in (("current", response["current"]), ("next", response["next"])):
        if not _KEY.fullmatch(key):
            raise QstashError(
                f"unexpected response from /v2/keys: {name} is not a signing key",
                hint="is it QStash's API? `qstash config show` displays its URL",
            )
    return response


def get() -> Request[SigningKeys]:
    """Returns the request for both keys."""
    return Request(method="GET", path="/v2/keys", response=SigningKeys)


def rotate() -> Request[SigningKeys]:
    """Returns the request that makes the next key the current one and creates a new next key."""
    return Request(method="POST", path="/v2/keys/rotate", repeatable=False, response=SigningKeys)
