"""A handler that verifies signatures with the official SDK's Receiver, as users write it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from qstash import Receiver
from qstash.errors import SignatureError

from qstash_cli.protocol.dev_credentials import DEV_USER, Credentials
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from tests.stopping import stopped_later


@dataclass
class Handler:
    """The accepted requests, and the reasons for requests that were rejected with 401.

    It also verifies the signed URL unless `url` is None.
    """

    receiver: Receiver
    url: str | None = None
    address: str = ""
    taken: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, request: Received) -> tuple[int, bytes]:
        try:
            self.receiver.verify(
                signature=request.header("upstash-signature"),
                body=request.body.decode(),
                url=self.url,
            )
        except SignatureError as fault:
            self.refused.append(str(fault))
            return 401, b"no"
        with self.lock:
            self.taken.append(request)
        return 200, b"taken"


@contextmanager
def running_handler(
    url: str | None = None, credentials: Credentials = DEV_USER
) -> Iterator[Handler]:
    """Runs a handler with these signing keys."""
    keys = (credentials.current_signing_key, credentials.next_signing_key)
    handler = Handler(Receiver(*keys), url)
    with stopped_later(running_endpoint(handler.respond)) as endpoint:
        handler.address = endpoint.url
        yield handler
