"""The path of the configuration file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

_FILE = "config.toml"


def config_file(env: Mapping[str, str], home: Path) -> Path:
    """Returns the path of the profiles: in `QSTASH_CONFIG_DIR`, or the platform's directory."""
    for name, below in (("QSTASH_CONFIG_DIR", ""), ("XDG_CONFIG_HOME", "qstash")):
        directory = env.get(name, "").strip()
        if directory:
            expanded = directory.replace("~", str(home), 1) if directory[0] == "~" else directory
            return Path(expanded) / below / _FILE
    if sys.platform == "linux" and "ANDROID_ROOT" not in env:
        # The result of platformdirs on Linux. Importing it takes 10 ms, an eighth of a publish.
        return home / ".config" / "qstash" / _FILE
    from platformdirs import user_config_path

    return user_config_path("qstash", appauthor=False) / _FILE


def journal_directory(env: Mapping[str, str], home: Path) -> Path:
    """Returns the directory of the journals of commands that have no input file."""
    return config_file(env, home).parent / "journals"
