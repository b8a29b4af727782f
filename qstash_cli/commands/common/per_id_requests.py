"""Sends one request per id, and reports all refusals together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from qstash_cli.cli.exchanges import Send
from qstash_cli.client.request import Request
from qstash_cli.errors import PartlyDone, QstashError

# These errors concern one id; other errors concern the account or the connection.
_ABOUT_THE_ID = frozenset({400, 404})


class PerIdRequests:
    """Sends a request for each id, and collects the refusals.

    `what` and `done` name the objects and the action, such as "messages" and "released".
    """

    def __init__(
        self,
        ids: Sequence[str],
        request_for: Callable[[str], Request[object]],
        *,
        what: str,
        done: str,
    ) -> None:
        self._ids = tuple(dict.fromkeys(ids))
        self.requests = [request_for(one) for one in self._ids]
        self._what, self._done = what, done
        self.succeeded = 0
        self._refused: list[tuple[str, QstashError]] = []
        self._stopped_by: QstashError | None = None

    def send(self, send: Send) -> Iterator[str]:
        """Yields the ids whose requests were accepted, one by one.

        Stops at an error that is not about an id, such as an unreachable server.
        """
        for one, request in zip(self._ids, self.requests, strict=True):
            try:
                send(request)
            except QstashError as error:
                self._refused.append((one, error))
                if error.status not in _ABOUT_THE_ID:
                    self._stopped_by = error
                    return
            else:
                self.succeeded += 1
                yield one

    def failure(self) -> QstashError | None:
        """Returns the error for the refused ids, or None.

        For one id, the error is its own. For several, it is `PartlyDone` if others were accepted.
        """
        if not self._refused:
            return None
        first = self._refused[0][1]
        missing = len(self._ids) - self.succeeded
        if len(self._ids) == 1 or (self._stopped_by and not self.succeeded):
            return self._stopped_by or first
        kinds = {type(error) for _, error in self._refused}
        kind = PartlyDone if self.succeeded else kinds.pop() if len(kinds) == 1 else QstashError
        were = "was" if missing == 1 else "were"
        headline = f"{missing} of {len(self._ids)} {self._what} {were} not {self._done}"
        hint = (self._stopped_by or first).hint
        return kind(headline, hint=hint, status=first.status, lines=self._lines())

    def _lines(self) -> list[str]:
        lines = [f"{one}: {error.message}" for one, error in self._refused]
        untried = len(self._ids) - self.succeeded - len(self._refused)
        were = "was" if untried == 1 else "were"
        return [*lines, *([f"{untried} more {were} not tried"] if untried else [])]
