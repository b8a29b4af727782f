"""A pytest plugin for applications that use QStash: a local server, and a clock for its time.

The fixtures are in `plugin`. They import the server when a test uses them, as does the first access
to one of the names below, which are for annotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qstash_cli.testing.deliveries import Delivery
    from qstash_cli.testing.local_qstash import LocalQStash, ScheduleRun
    from qstash_cli.testing.sink import Sink, SinkRequest

__all__ = ["Delivery", "LocalQStash", "ScheduleRun", "Sink", "SinkRequest"]

_MODULES = {
    "Delivery": "deliveries",
    "LocalQStash": "local_qstash",
    "ScheduleRun": "local_qstash",
    "Sink": "sink",
    "SinkRequest": "sink",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
