"""A short-lived cache of JSON values, readable only by its owner."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qstash_cli.files import write_atomically

_OWNER_DIRECTORY = 0o700
_OLD_S = 3600


def cache_directory(env: Mapping[str, str], home: Path) -> Path:
    """Returns the platform's cache directory."""
    directory = env.get("XDG_CACHE_HOME", "").strip()
    if directory:
        expanded = directory.replace("~", str(home), 1) if directory[0] == "~" else directory
        return Path(expanded) / "qstash"
    from platformdirs import user_cache_path

    return user_cache_path("qstash", appauthor=False)


def recall(path: Path, *, now: float, lifetime_s: float) -> Any:
    """Returns the cached value, None if there isn't one or it has expired."""
    try:
        kept = json.loads(path.read_bytes())
        is_fresh = 0 <= now - kept["at_s"] < lifetime_s
        return kept["value"] if is_fresh else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(path: Path, value: Any, *, now: float) -> None:
    """Caches a JSON value, readable only by its owner, and deletes old entries."""
    directory = path.parent
    directory.mkdir(mode=_OWNER_DIRECTORY, parents=True, exist_ok=True)
    for old in directory.glob("*.json"):
        with contextlib.suppress(OSError):
            if now - old.stat().st_mtime > _OLD_S:
                old.unlink()
    kept = json.dumps({"at_s": now, "value": value})
    write_atomically(path, kept.encode(), durable=False)
