"""Triggering runs without an SDK. Source: Upstash docs, "Trigger Workflow Run"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.protocol import workflow
from qstash_cli.protocol.destination import is_url
from qstash_cli.server.errors import ApiError
from qstash_cli.server.services import quota
from qstash_cli.server.services.account import Account
from qstash_cli.server.services.publish_rules import PublishRequest, validate
from qstash_cli.server.services.workflows.publishing import RunMessage, store
from qstash_cli.server.storage.store import Connection


async def trigger(account: Account, request: PublishRequest) -> dict[str, Any]:
    """Starts a run and returns its id and time. Raises `ApiError` or `BadInput`."""
    of_run = await account.store.run(lambda connection: _store(connection, account, request))
    account.engine.add(of_run.messages)
    return _content(of_run)


async def trigger_batch(account: Account, requests: Sequence[PublishRequest]) -> list[Any]:
    """Starts runs and returns the content of each response; all or none is started.

    Raises `ApiError` or `BadInput`.
    """

    def change(connection: Connection) -> list[RunMessage]:
        return [_store(connection, account, request) for request in requests]

    started = await account.store.run(change)
    account.engine.add([message for one in started for message in one.messages])
    return [_content(one) for one in started]


def _store(connection: Connection, account: Account, request: PublishRequest) -> RunMessage:
    options = validate(request)
    if not is_url(request.destination):
        raise ApiError(400, "the destination of a trigger must be a URL")
    if options.cron is not None:
        raise BadInput("a trigger cannot have Upstash-Cron")
    quota.validate_daily_messages(connection, request.limits, 1, request.now_ms)
    named = workflow.parse(request.headers) or workflow.WorkflowHeaders()
    named = named._replace(is_init=True, is_untested=True)
    return store(connection, request, options, named, account.new_id)


def _content(of_run: RunMessage) -> dict[str, Any]:
    content = {"workflowRunId": of_run.run.id, "workflowCreatedAt": of_run.run.created_ms}
    return content | ({"deduplicated": True} if not of_run.messages else {})
