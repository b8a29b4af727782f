"""Logging to stderr: each kind of message a few times, then a summary."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TextIO

_LIMIT = 5
_PERIOD_S = 10.0
_MAX_KINDS = 256

_Kind = tuple[object, ...]


class RepeatLimit(logging.Filter):
    """Passes `_LIMIT` messages of a kind in a period, and counts the others.

    A kind is a line of code and an exception type. The next message of the kind that passes
    reports the count.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now_s = now_s
        # When the period of a kind began, and the number of its messages; the newest is last.
        self._kinds: OrderedDict[_Kind, tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether a message passes."""
        error_type = record.exc_info[0] if record.exc_info else None
        if error_type is not None and issubclass(error_type, asyncio.CancelledError):
            # A request that was in progress when the server stopped.
            return False
        kind = (record.pathname, record.lineno, error_type, str(record.msg)[:40])
        now_s = self._now_s()
        began_s, count = self._kinds.pop(kind, (now_s, 0))
        if now_s - began_s >= _PERIOD_S:
            if count > _LIMIT:
                _add(record, f"{count - _LIMIT} more messages like this were suppressed")
            began_s, count = now_s, 0
        count += 1
        self._kinds[kind] = began_s, count
        if len(self._kinds) > _MAX_KINDS:
            self._kinds.popitem(last=False)
        if count == _LIMIT:
            _add(record, f"further messages like this are suppressed for {_PERIOD_S:g} s")
        return count <= _LIMIT


def _add(record: logging.LogRecord, note: str) -> None:
    record.msg, record.args = f"{record.getMessage().rstrip()} ({note})", ()


class LineFormatter(logging.Formatter):
    """`error: what happened`, as the commands write it."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the message with its level, and its traceback, if there is one."""
        return f"{record.levelname.lower()}: {super().format(record)}"


_LOGGER = {"handlers": ["stderr"], "level": "WARNING"}


def log_config(stream: TextIO | None) -> dict[str, Any]:
    """Returns the configuration for `logging.config.dictConfig`. None is standard error."""
    handler: dict[str, Any] = {
        "class": "logging.StreamHandler",
        "formatter": "line",
        "filters": ["repeats"],
    }
    if stream is not None:
        handler["stream"] = stream
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"repeats": {"()": RepeatLimit}},
        "formatters": {"line": {"()": LineFormatter}},
        "handlers": {"stderr": handler},
        "loggers": dict.fromkeys(("uvicorn", "asyncio", "qstash_cli"), _LOGGER),
    }
