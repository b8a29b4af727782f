"""The requests that create, change and remove a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from qstash_cli.client.api import (
    flow,
    queues,
    schedules,
    urlgroups,
)
from qstash_cli.client.request import Request
from qstash_cli.manifest import marks
from qstash_cli.manifest.resources import DesiredEndpoint, Kind, Pin, Queue, Schedule, UrlGroup
from qstash_cli.protocol import records

Requests = Iterator[Request[object]]


def write_schedule(schedule_id: str, desired: Schedule, *, was_paused: bool) -> Requests:
    """Replaces a schedule as a whole, the only way to change one in QStash."""
    options = replace(
        marks.with_marks(desired.options, desired.body),
        cron=desired.cron,
        schedule_id=schedule_id,
    )
    yield schedules.create(desired.destination, options, desired.body)
    # Undocumented: whether a replaced schedule stays paused.
    if desired.paused or was_paused:
        yield switch_schedule(schedule_id, desired)


def switch_schedule(schedule_id: str, desired: Schedule) -> Request[None]:
    """Pauses or resumes a schedule."""
    return (schedules.pause if desired.paused else schedules.resume)(schedule_id)


def write_queue(name: str, desired: Queue, stored: Queue | None) -> Requests:
    """Creates or changes a queue."""
    if stored is None or stored.parallelism != desired.parallelism:
        yield queues.put(name, parallelism=desired.parallelism)
    if desired.paused != (stored is not None and stored.paused):
        yield (queues.pause if desired.paused else queues.resume)(name)


def write_pin(key: str, desired: Pin, stored: Pin | None) -> Requests:
    """Pins a key's limits, and unpins those that are no longer in the manifest."""
    stored = stored or Pin()
    drops_parallelism = desired.parallelism is None and stored.parallelism is not None
    drops_rate = desired.rate is None and stored.rate is not None
    if drops_parallelism or drops_rate:
        yield flow.unpin(key, parallelism=drops_parallelism, rate=drops_rate)
    rate_differs = (desired.rate, desired.period_s) != (stored.rate, stored.period_s)
    rate = desired.rate if rate_differs else None
    parallelism = desired.parallelism if desired.parallelism != stored.parallelism else None
    if rate is not None or parallelism is not None:
        period_s = None if rate is None else desired.period_s
        yield flow.pin(key, parallelism=parallelism, rate=rate, period_s=period_s)


def write_urlgroup(name: str, desired: UrlGroup, stored: UrlGroup | None) -> Requests:
    """Creates or changes a URL group.

    New endpoints are added before others are removed, because removing the last endpoint deletes
    the group. Only an endpoint that reuses the URL of a removed one is added after the removal.
    """
    found = stored or UrlGroup(endpoints=())
    names = {one.name for one in desired.endpoints if one.name}
    # Adding an existing name again changes its URL.
    gone = [one for one in found.endpoints if one not in desired.endpoints]
    removed = [one for one in gone if one.name not in names]
    urls = {one.url for one in removed}
    new = [one for one in desired.endpoints if one not in found.endpoints]
    # Named endpoints first: an unnamed one would match the endpoint that still has its URL.
    new.sort(key=lambda one: not one.name)
    early = [one for one in new if one.url not in urls]
    late = [one for one in desired.endpoints if one.url in urls]
    for batch, build in ((early, _added), (removed, _removed), (late, _added)):
        if batch:
            yield build(name, batch)
    is_recreated = len(removed) == len(found.endpoints) and not early
    if desired.headers != (() if is_recreated else found.headers):
        yield urlgroups.set_headers(name, desired.headers)


def _added(name: str, endpoints: Iterable[DesiredEndpoint]) -> Request[None]:
    return urlgroups.add(name, [_record(one) for one in endpoints])


def _removed(name: str, endpoints: Iterable[DesiredEndpoint]) -> Request[None]:
    meant = (
        records.EndpointReference(name=one.name)
        if one.name
        else records.EndpointReference(url=one.url)
        for one in endpoints
    )
    return urlgroups.remove(name, meant)


def _record(endpoint: DesiredEndpoint) -> records.Endpoint:
    record = records.Endpoint(url=endpoint.url)
    return records.Endpoint(url=endpoint.url, name=endpoint.name) if endpoint.name else record


def remove(kind: Kind, name: str) -> Request[None]:
    """Returns the request that removes a resource; a flow control key is unpinned."""
    match kind:
        case "queue":
            return queues.delete(name)
        case "flow":
            return flow.unpin(name, parallelism=True, rate=True)
        case "urlgroup":
            return urlgroups.delete(name)
        case "schedule":
            return schedules.delete(name)
