"""Whether an endpoint of a URL group responds. Pure."""

from __future__ import annotations

_GONE = frozenset({404, 410})


def is_alive(status: int) -> bool:
    """Returns whether a status code counts as a response of the endpoint; 0 means no response.

    An endpoint may refuse HEAD and GET, which QStash does not send: only 404, 410 and 5xx mean that
    nothing is there.
    """
    return 0 < status < 500 and status not in _GONE
