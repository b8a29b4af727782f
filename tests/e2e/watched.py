"""Processes whose connections are recorded, or dropped."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# Python imports a module of this name at start-up.
_SITE = """
import os, sys, time

def watch(event, args):
    if event not in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        return
    place = args[1] if event == "socket.connect" else args[0]
    with open(os.environ["WATCHED"], "a") as log:
        log.write(f"{event} {place}\\n")
    if "SWALLOWED" in os.environ:
        # Like a network that drops packets; the test kills the process or sees it time out.
        time.sleep(3600)

sys.addaudithook(watch)
"""


def watched(env: dict[str, str], directory: Path, *, swallow: bool = False) -> dict[str, str]:
    """Returns an environment in which connections are recorded in `directory`."""
    (directory / "site").mkdir(exist_ok=True)
    (directory / "site" / "sitecustomize.py").write_text(_SITE)
    path = os.pathsep.join([str(directory / "site"), *filter(None, [env.get("PYTHONPATH")])])
    more = {"SWALLOWED": "1"} if swallow else {}
    return env | more | {"PYTHONPATH": path, "WATCHED": str(directory / "connections")}


def connections(directory: Path) -> list[str]:
    """Returns the resolved names and the addresses of connections."""
    log = directory / "connections"
    return log.read_text().splitlines() if log.exists() else []


_lists: list[list[str]] = []


@contextlib.contextmanager
def listed() -> Iterator[list[str]]:
    """Yields a list that grows with the connections of this process, in the same form."""
    _add_hook()
    mine: list[str] = []
    _lists.append(mine)
    try:
        yield mine
    finally:
        _lists.remove(mine)


@cache
def _add_hook() -> None:
    """Adds the hook once, since it cannot be removed."""
    sys.addaudithook(_note)


def _note(event: str, args: tuple[object, ...]) -> None:
    if _lists and event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        place = args[1] if event == "socket.connect" else args[0]
        for one in _lists:
            one.append(f"{event} {place}")
