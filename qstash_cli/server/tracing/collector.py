"""Watches the requests to a collector, to report when it does not accept spans."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from qstash_cli.network_reason import network_reason

_FIRST_ERROR = 400
_logger = logging.getLogger(__name__)


class Outage:
    """Logs one warning for each time that spans cannot be exported for a while.

    `has_begun` says whether the last request has failed.
    """

    def __init__(self) -> None:
        self.has_begun = False

    def begin(self, reason: str) -> None:
        """Logs a warning, unless this has been reported already."""
        if not self.has_begun:
            self.has_begun = True
            _logger.warning("traces are not exported: %s", reason)

    def end(self) -> None:
        """Notes that the collector accepts spans."""
        self.has_begun = False


def watched_session(outage: Outage) -> requests.Session:
    """Returns a session that reports the failure of each request."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _WatchedAdapter(outage))
    return session


class _WatchedAdapter(HTTPAdapter):
    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self._outage = outage

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        try:
            response = super().send(request, *args, **kwargs)
        except requests.RequestException as error:
            self._outage.begin(f"{_origin(request)}: {_reason(error)}")
            raise
        if response.status_code >= _FIRST_ERROR:
            self._outage.begin(f"{_origin(request)}: status {response.status_code}")
        elif response.ok:
            self._outage.end()
        return response


def _origin(request: requests.PreparedRequest) -> str:
    """Returns the server of a request, without user information and query, which may be secret."""
    parts = urlsplit(request.url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "timed out"
    return network_reason(error) or type(error).__name__
