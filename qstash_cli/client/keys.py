"""The signing keys of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.client.request import Request

if TYPE_CHECKING:
    from qstash_cli.protocol.records import SigningKeys


def get() -> Request[SigningKeys]:
    """Both keys."""
    return Request(method="GET", path="/v2/keys")


def rotate() -> Request[SigningKeys]:
    """Makes the next key the current one and a new key the next one."""
    return Request(method="POST", path="/v2/keys/rotate", repeatable=False)
