"""Upstash Workflow, which this server does not implement.

A message of a workflow that was delivered like any other would start the workflow again and again,
because its endpoint would not find the headers of its step. The status is 501: the workflow SDK
takes 400 for a cancelled run and hides it.
"""

from __future__ import annotations

import logging

from qstash_cli.protocol.headers import Headers
from qstash_cli.server.errors import ApiError

_NOT_SUPPORTED = "workflows are not supported by the embedded server"
_PREFIXES = (
    "upstash-workflow-",
    "upstash-callback-workflow-",
    "upstash-failure-callback-workflow-",
)


def refuse_workflow_headers(headers: Headers) -> None:
    """Raises `ApiError` 501, and logs it, for a message that is a step of a workflow."""
    for name, _ in headers:
        if name.lower().startswith(_PREFIXES):
            raise not_supported(f"a message with {name!r}")


def not_supported(what: str) -> ApiError:
    """The refusal of a request of the workflow SDK, which is logged."""
    logging.getLogger(__name__).warning("refused %s: %s", what, _NOT_SUPPORTED)
    return ApiError(501, f"{_NOT_SUPPORTED}; it delivers QStash messages only")
