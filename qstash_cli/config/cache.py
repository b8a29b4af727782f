"""What was learnt a moment ago, kept for its owner alone."""

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
    """The platform's directory for what may be lost."""
    directory = env.get("XDG_CACHE_HOME", "").strip()
    if directory:
        expanded = directory.replace("~", str(home), 1) if directory[0] == "~" else directory
        return Path(expanded) / "qstash"
    from platformdirs import user_cache_path

    return user_cache_path("qstash", appauthor=False)


def recall(path: Path, *, now: float, lifetime_s: float) -> Any:
    """What was kept there, None if there is nothing that is young enough."""
    try:
        kept = json.loads(path.read_bytes())
        is_young = 0 <= now - kept["at_s"] < lifetime_s
        return kept["value"] if is_young else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(path: Path, value: Any, *, now: float) -> None:
    """Keeps a JSON value, readable for its owner alone, and forgets what is old."""
    directory = path.parent
    directory.mkdir(mode=_OWNER_DIRECTORY, parents=True, exist_ok=True)
    for old in directory.glob("*.json"):
        with contextlib.suppress(OSError):
            if now - old.stat().st_mtime > _OLD_S:
                old.unlink()
    kept = json.dumps({"at_s": now, "value": value})
    write_atomically(path, kept.encode(), durable=False)
