"""Substitutes `${VAR}` and `${VAR:-default}` in a manifest; `$${` is a literal `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qstash_cli.manifest.problems import Path, Problems

_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}|\$\{")
_SECRET = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|SIGNATURE|PRIVATE", re.IGNORECASE)
# Shorter values occur in other texts by chance.
_SHORTEST_SECRET = 4


@dataclass
class Substitution:
    """Substitutes variables in strings, and records which values are secret, and where."""

    env: Mapping[str, str]
    problems: Problems
    secrets: set[str] = field(default_factory=set)
    secret_paths: set[Path] = field(default_factory=set)

    def of(self, value: Any, path: Path = ()) -> Any:
        """Substitutes the variables in all strings of a value. Keys are unchanged."""
        match value:
            case str():
                return _REFERENCE.sub(lambda found: self._replacement(found, path), value)
            case dict():
                return {key: self.of(item, (*path, key)) for key, item in value.items()}
            case list():
                return [self.of(item, path) for item in value]
        return value

    def _replacement(self, found: re.Match[str], path: Path) -> str:
        if found[0] == "$${":
            return "${"
        name, default = found[1], found[3]
        if name is None:
            hint = "use ${NAME}, or $${ for a literal ${"
            self.problems.add(path, "expected a variable name after ${", hint)
            return ""
        value = self.env.get(name)
        if default is not None and not value:
            return default
        if value is None:
            self.problems.add(
                path, f"the variable is not set: {name}", f"set it, or use ${{{name}:-default}}"
            )
            return ""
        if _SECRET.search(name):
            self.secret_paths.add(tuple(key.lower() for key in path))
            if len(value) >= _SHORTEST_SECRET:
                self.secrets.add(value)
        return value


def escaped(value: Any) -> Any:
    """Escapes every `${` in the strings of a value."""
    match value:
        case str():
            return value.replace("${", "$${")
        case dict():
            return {key: escaped(item) for key, item in value.items()}
        case list():
            return [escaped(item) for item in value]
    return value
