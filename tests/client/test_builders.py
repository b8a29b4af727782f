"""Every request builder declares the response type of its annotation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest

from qstash_cli.client.api import (
    bulk_actions,
    dlq,
    flow,
    keys,
    logs,
    messages,
    queues,
    schedules,
    urlgroups,
)
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.request import Request
from qstash_cli.protocol.options import MessageOptions

MODULES = (bulk_actions, dlq, flow, keys, logs, messages, queues, schedules, urlgroups)
ARGUMENTS: dict[str, Any] = {
    "destination": "https://a.example", "options": MessageOptions(), "body": b"", "items": b"[]",
    "message_id": "msg_1", "message_ids": ["msg_1"], "dlq_id": "1-0", "dlq_ids": ["1-0"],
    "action_id": "bulk_1", "schedule_id": "report", "criteria": Filter(), "name": "orders",
    "key": "api", "parallelism": 1, "rate": 1, "period_s": 1, "endpoints": [], "headers": (),
}  # fmt: skip


def builders() -> list[Callable[..., Request[Any]]]:
    return [
        function
        for module in MODULES
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and str(function.__annotations__["return"]).startswith("Request[")
        and not function.__name__.startswith("_")
    ]


@pytest.mark.parametrize("build", builders(), ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_the_declared_type_is_the_annotated_one(build: Callable[..., Request[Any]]) -> None:
    parameters = inspect.signature(build).parameters.values()
    given = {one.name: ARGUMENTS[one.name] for one in parameters if one.default is one.empty}
    (annotated,) = get_args(get_type_hints(build)["return"])
    declared = build(**given).response

    # The acknowledgements of a batch are validated together with its records.
    unchecked = annotated is type(None) or build is messages.batch
    assert declared == (None if unchecked else annotated)


def test_every_builder_has_a_case() -> None:
    assert len(builders()) > 35
