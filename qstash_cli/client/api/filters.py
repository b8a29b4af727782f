"""Filters and ids of lists and bulk operations, as query parameters.

Source: QStash OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qstash_cli.client.request import Pairs


class Filter(NamedTuple):
    """A filter for messages, log entries or DLQ entries, which must match every field.

    Several values of one field are alternatives. `from_ms` and `to_ms` are inclusive.
    """

    message_ids: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    urlgroups: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    caller_ips: tuple[str, ...] = ()
    flow_keys: tuple[str, ...] = ()
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the filter matches everything."""
        return self == Filter()


_PARAMETERS = {
    "message_ids": "messageId",
    "states": "state",
    "labels": "label",
    "queues": "queueName",
    "urlgroups": "topicName",
    "schedules": "scheduleId",
    "urls": "url",
    "statuses": "responseStatus",
    "caller_ips": "callerIp",
    "flow_keys": "flowControlKey",
}


def query(criteria: Filter) -> Pairs:
    """Yields the query parameters of a filter, in the order of its fields."""
    pairs = [(name, str(v)) for key, name in _PARAMETERS.items() for v in getattr(criteria, key)]
    pairs += [
        (name, str(at))
        for name, at in (("fromDate", criteria.from_ms), ("toDate", criteria.to_ms))
        if at is not None
    ]
    return tuple(pairs)


IDS_PER_REQUEST = 100


def id_chunks(ids: Sequence[str], size: int = IDS_PER_REQUEST) -> list[tuple[str, ...]]:
    """Splits the ids, without duplicates, into chunks of this size for one request each."""
    unique = tuple(dict.fromkeys(ids))
    return [unique[start : start + size] for start in range(0, len(unique), size)]


def id_query(name: str, ids: Sequence[str]) -> Pairs:
    """Returns ids as a repeated query parameter.

    Raises `ValueError` for an empty list, which QStash would treat as all ids.
    """
    if not ids:
        raise ValueError(f"no {name}")
    return tuple((name, one) for one in ids)
