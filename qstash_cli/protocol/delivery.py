"""A request as its destination receives it. Source: QStash docs, "Receiving messages"."""

from __future__ import annotations

from typing import NamedTuple

from qstash_cli.protocol.headers import HOP_BY_HOP, Headers

USER_AGENT = "Upstash-QStash"
_FROM_QSTASH = ("upstash-", "user-agent", "host", "content-length")


class Delivery(NamedTuple):
    """One message on its way to a URL, but for its signature, which each attempt has anew.

    `headers` are those that the publisher has given; `retried` counts the attempts before this
    one. An empty text is a header that is left out.
    """

    message_id: str
    method: str
    url: str
    body: bytes = b""
    headers: Headers = ()
    retried: int = 0
    caller_ip: str = ""
    urlgroup: str = ""
    schedule_id: str = ""

    def signed_headers(self, signature: str, region: str) -> Headers:
        """All headers of the request, with this signature, from a region such as EU-CENTRAL-1."""
        own = (
            ("User-Agent", USER_AGENT),
            ("Upstash-Message-Id", self.message_id),
            ("Upstash-Retried", str(self.retried)),
            ("Upstash-Signature", signature),
            ("Upstash-Caller-Ip", self.caller_ip),
            ("Upstash-Region", region),
            ("Upstash-Topic-Name", self.urlgroup),
            ("Upstash-Schedule-Id", self.schedule_id),
        )
        return (
            *((name, value) for name, value in own if value),
            *((n, v) for n, v in self.headers if _travels(n.lower())),
        )


def _travels(name: str) -> bool:
    # The framing of the request is the connection's own, whatever a publisher forwards.
    return name not in HOP_BY_HOP and not name.startswith(_FROM_QSTASH)
