"""The signing keys of the account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qstash_cli.client.request import Request
from qstash_cli.errors import QstashError

if TYPE_CHECKING:
    from qstash_cli.protocol.records import SigningKeys

# Keys are written into lines that shells read, where anything else could be a command.
_KEY = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


def checked(answer: SigningKeys) -> SigningKeys:
    """The keys as they came. Raises `QstashError` for what cannot be any."""
    told = answer if isinstance(answer, dict) else {}
    for name in ("current", "next"):
        key = told.get(name)
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise QstashError(
                f"the answer has no signing key that can be the {name} one",
                hint="is it QStash's API? `qstash config show` tells which is asked",
            )
    return answer


def get() -> Request[SigningKeys]:
    """Both keys."""
    return Request(method="GET", path="/v2/keys")


def rotate() -> Request[SigningKeys]:
    """Makes the next key the current one and a new key the next one."""
    return Request(method="POST", path="/v2/keys/rotate", repeatable=False)
