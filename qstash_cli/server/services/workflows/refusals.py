"""Refused requests of workflows. Each is logged: the SDK hides some of them from its user.

The SDK interprets 400 for a step as a run that was cancelled, and ignores the step. So an error has
another status.
"""

from __future__ import annotations

import logging

from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.workflow import is_workflow_header
from qstash_cli.server.errors import ApiError

_logger = logging.getLogger(__name__)


def refused(status: int, message: str) -> ApiError:
    """Logs the refusal of a request of a workflow, and returns the error."""
    _logger.warning("refused: %s", message)
    return ApiError(status, message)


def run_ended(run_id: str) -> ApiError:
    """Logs the refusal of a step of a run that is not live, and returns the error."""
    message = f"workflow run {run_id} has ended or does not exist"
    _logger.warning("refused a step: workflow run %r has ended or does not exist", run_id)
    return ApiError(400, message)


def refuse_workflow_headers(headers: Headers, where: str) -> None:
    """Raises `ApiError` 501, and logs it, where messages of workflows are not supported."""
    for name, _ in headers:
        if is_workflow_header(name):
            _logger.warning("refused a message with %r: %s", name, where)
            raise ApiError(501, f"workflow headers are not supported {where}")
