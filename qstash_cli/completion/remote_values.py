"""Completion values from QStash, requested with a short timeout and cached for a minute."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qstash_cli.cli.context import Context
from qstash_cli.client.api import (
    dlq,
    flow,
    logs,
    queues,
    schedules,
    urlgroups,
    workflow_dlq,
    workflows,
)
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.request import Request
from qstash_cli.config.cache import cache_directory, keep, recall
from qstash_cli.config.credentials import chosen, resolve
from qstash_cli.config.sources import Source
from qstash_cli.protocol.numbers import amount

if TYPE_CHECKING:
    from qstash_cli.client.client import Client
    from qstash_cli.protocol.failure_groups import Group
    from qstash_cli.protocol.records import DlqEntry

Value = tuple[str, str]

_LIFETIME_S = 60
# A user who waits for the prompt notices a longer delay.
_LIMIT_S = 0.3
_TOKEN_COMMAND_LIMIT_S = 0.25
# Entries contain their bodies.
_DLQ_ENTRIES = "30"
# Runs contain their steps.
_RUNS = 30
# Includes every state, because a message delivered or cancelled since then no longer waits.
_LOG_ENTRIES = 100


def fetched(kind: str, ctx: Context) -> list[Value]:
    """Returns the values of one kind in the account, at most a minute old.

    Raises any error of the configuration or the network.
    """
    source = chosen(
        ctx.config.flags,
        ctx.config.flags.environment(ctx.config.variables),
        ctx.config.profiles,
        _not_run,
    )
    path = _path(ctx, source, kind)
    known = recall(path, now=ctx.system.now(), lifetime_s=_LIFETIME_S)
    if known is None:
        known = _asked(ctx, kind)
        with contextlib.suppress(OSError):
            keep(path, known, now=ctx.system.now())
    return [(str(value), str(description)) for value, description in known]


def _path(ctx: Context, source: Source, kind: str) -> Path:
    """Returns the cache file of a kind, source and token, so that accounts do not share values."""
    import hashlib

    by_command = source.profile.token_command if source.profile else ()
    parts = (source.name, source.api_url, *(by_command or (source.token(),)))
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return cache_directory(ctx.config.variables, ctx.system.home) / f"{digest}-{kind}.json"


def _asked(ctx: Context, kind: str) -> list[Value]:
    from qstash_cli.client.deadline import within

    started_at = ctx.system.now()
    settings = resolve(
        ctx.config.flags, ctx.config.variables, ctx.config.profiles, _printed_quickly
    )
    left_s = _LIMIT_S - (ctx.system.now() - started_at)
    client = ctx.open_client(
        settings.api_url,
        settings.token,
        is_local=settings.is_local,
        request_timeout_s=_LIMIT_S,
        max_wait_s=0,
    )
    request, described = _KINDS[kind]
    try:
        # Importing the client takes as long as a response, and must not reduce the network's time
        # limit.
        client.open()
        records = within(left_s, lambda: _records(client, request))
    finally:
        client.close()
    if kind == "waiting":
        records = _still_waiting(records, now_ms=ctx.system.now() * 1000)
    if kind == "failure_group":
        return _groups(records)
    return [described(record) for record in records]


def _records(client: Client, request: Request[Any]) -> list[Any]:
    """Returns the list of a response, or its first page."""
    if request.items:
        return client.page(request).entries
    records: list[Any] = client.send(request)
    return records


def _not_run(_command: Sequence[str]) -> str:
    return ""


def _printed_quickly(command: Sequence[str]) -> str:
    import subprocess

    # Without a terminal, the command cannot prompt in the middle of the user's command line.
    return subprocess.run(  # noqa: S603 - the user's own configuration names it
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        errors="replace",
        timeout=_TOKEN_COMMAND_LIMIT_S,
    ).stdout


def _schedule(record: Mapping[str, Any]) -> Value:
    paused = ", paused" if record.get("isPaused") else ""
    return record["scheduleId"], f"{record.get('cron')} {record.get('destination')}{paused}"


def _url_group(record: Mapping[str, Any]) -> Value:
    return record["name"], amount(len(record.get("endpoints") or ()), "endpoint")


def _queue(record: Mapping[str, Any]) -> Value:
    paused = ", paused" if record.get("paused") else ""
    return record[
        "name"
    ], f"lag {record.get('lag')}, parallelism {record.get('parallelism')}{paused}"


def _flow_key(record: Mapping[str, Any]) -> Value:
    paused = ", paused" if record.get("isPaused") else ""
    return record["flowControlKey"], f"{record.get('waitListSize')} waiting{paused}"


def _dlq_entry(record: Mapping[str, Any]) -> Value:
    destination = record.get("topicName") or record.get("url")
    return record["dlqId"], f"{record.get('responseStatus') or 'no response'} {destination}"


def _groups(entries: Sequence[DlqEntry]) -> list[Value]:
    # Other kinds do not need it.
    from qstash_cli.protocol.failure_groups import group_entries

    return [_group(one) for one in group_entries(entries).groups]


def _group(group: Group) -> Value:
    reason = group.reason
    what = f"{reason.status or 'no response'} {reason.url} {reason.line}".rstrip()
    return reason.key, f"{amount(group.size, 'entry')}, {what}"


def _still_waiting(
    entries: Sequence[Mapping[str, Any]], *, now_ms: float
) -> list[Mapping[str, Any]]:
    """Returns the newest entry of each message whose next delivery is in the future."""
    newest: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        newest.setdefault(entry["messageId"], entry)
    return [entry for entry in newest.values() if (entry.get("nextDeliveryTime") or 0) > now_ms]


def _waiting_message(entry: Mapping[str, Any]) -> Value:
    destination = entry.get("topicName") or entry.get("url")
    return entry["messageId"], f"{str(entry['state']).lower()} {destination}"


def _run(record: Mapping[str, Any]) -> Value:
    state = str(record["workflowState"]).removeprefix("RUN_").lower()
    return record["workflowRunId"], f"{state} {record['workflowUrl']}"


def _failed_run(record: Mapping[str, Any]) -> Value:
    return record["dlqId"], f"{record.get('responseStatus') or 'failed'} {record['workflowUrl']}"


_KINDS: Mapping[str, tuple[Request[Any], Callable[[Mapping[str, Any]], Value]]] = {
    "schedule": (schedules.list_all(), _schedule),
    "urlgroup": (urlgroups.list_all(), _url_group),
    "queue": (queues.list_all(), _queue),
    "flow_key": (flow.list_all(), _flow_key),
    "waiting": (logs.entries(Filter(), page=_LOG_ENTRIES, with_bodies=False), _waiting_message),
    "dlq": (dlq.entries(Filter()).with_query(("count", _DLQ_ENTRIES)), _dlq_entry),
    # The first page is a sample, but has the entries of most groups.
    "failure_group": (dlq.entries(Filter()), _dlq_entry),
    "workflow_dlq": (
        workflow_dlq.entries(workflows.RunFilter()).with_query(("count", _DLQ_ENTRIES)),
        _failed_run,
    ),
    "run": (workflows.runs(workflows.RunFilter(), page=_RUNS, with_bodies=False), _run),
}
