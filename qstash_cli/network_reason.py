"""The system's reason for a failed connection."""

from __future__ import annotations

import os
import socket
import ssl


def network_reason(error: BaseException | None) -> str:
    """Returns the system's reason for a failure, such as "connection refused", or an empty string.

    The message of an HTTP library is often empty or the same for every cause, and that of an
    `OSError` starts with a number.
    """
    while error is not None:
        if isinstance(error, socket.gaierror):
            return _lower_first(error.strerror or "")
        if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError):
            return _lower_first(os.strerror(error.errno))
        # One exception for each address of the host.
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        else:
            error = error.__cause__ or error.__context__
    return ""


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
