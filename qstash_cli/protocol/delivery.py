"""The request that a destination receives. Source: QStash docs, "Receiving messages"."""

from __future__ import annotations

from typing import NamedTuple

from qstash_cli.protocol.headers import HOP_BY_HOP, Headers

USER_AGENT = "Upstash-QStash"
_FROM_QSTASH = ("upstash-", "user-agent", "host", "content-length")
# The workflow SDK forwards these.
_OF_WORKFLOWS = ("upstash-workflow-", "upstash-label")


class Delivery(NamedTuple):
    """A message to be delivered to a URL, without the signature, which is new for each attempt.

    `headers` are the publisher's, and `added_headers` those of the workflow engine; `retried`
    counts the previous attempts. Empty strings mean that the header is omitted.
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
    added_headers: Headers = ()

    def signed_headers(self, signature: str, region: str) -> Headers:
        """Returns all headers, with the signature and the region, such as EU-CENTRAL-1."""
        own = qstash_headers(
            self.message_id,
            signature,
            retried=self.retried,
            caller_ip=self.caller_ip,
            region=region,
            urlgroup=self.urlgroup,
            schedule_id=self.schedule_id,
        )
        forwarded = ((n, v) for n, v in self.headers if _is_forwarded(n.lower()))
        return (*own, *self.added_headers, *forwarded)


def qstash_headers(
    message_id: str,
    signature: str,
    *,
    retried: int = 0,
    caller_ip: str = "",
    region: str = "",
    urlgroup: str = "",
    schedule_id: str = "",
) -> Headers:
    """Returns the headers that QStash adds to a delivery. Empty ones are omitted."""
    own = (
        ("User-Agent", USER_AGENT),
        ("Upstash-Message-Id", message_id),
        ("Upstash-Retried", str(retried)),
        ("Upstash-Signature", signature),
        ("Upstash-Caller-Ip", caller_ip),
        ("Upstash-Region", region),
        ("Upstash-Topic-Name", urlgroup),
        ("Upstash-Schedule-Id", schedule_id),
    )
    return tuple((name, value) for name, value in own if value)


def _is_forwarded(name: str) -> bool:
    # Framing headers belong to the connection, even if the publisher forwards them.
    if name.startswith(_OF_WORKFLOWS):
        return True
    return name not in HOP_BY_HOP and not name.startswith(_FROM_QSTASH)
