"""Upstash Workflow, which this server does not implement.

If a step of a workflow were delivered like any other message, it would start the workflow again and
again, because the endpoint would not find the headers of the step. The status is 501: the workflow
SDK interprets 400 as a cancelled run and hides it.
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
    """Logs the refusal of a request of the workflow SDK, and returns the error."""
    logging.getLogger(__name__).warning("refused %s: %s", what, _NOT_SUPPORTED)
    return ApiError(501, f"{_NOT_SUPPORTED}; it delivers QStash messages only")
