"""Warnings that many messages may cause at a time."""

from __future__ import annotations

import logging
import time

_WARN_EVERY_S = 0.5
_logger = logging.getLogger(__name__)


class RepeatedWarnings:
    """Logs a warning, unless the same one was logged a moment ago.

    A full disk causes the same fault for every message in flight.
    """

    def __init__(self) -> None:
        self._last = ""
        self._warned_at_s = 0.0

    def warn(self, fault: str) -> None:
        """Logs a warning about a fault."""
        now_s = time.monotonic()
        if fault != self._last or now_s > self._warned_at_s + _WARN_EVERY_S:
            _logger.warning("%s", fault)
            self._last, self._warned_at_s = fault, now_s
