"""What is wrong in a manifest, all of it at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from qstash_cli.errors import BadInput
from qstash_cli.protocol.names import nearest

P = ParamSpec("P")
T = TypeVar("T")
Path = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LEAST_LIKENESS = 0.6


def dotted(path: Path) -> str:
    """A path of keys as TOML writes it: `schedules.nightly.retries`."""
    return ".".join(key if _BARE.fullmatch(key) else json.dumps(key) for key in path)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One key that is wrong, and what was expected."""

    path: Path
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{dotted(self.path)}: {self.message}" if self.path else self.message
        return f"{text}; {self.hint}" if self.hint else text


@dataclass
class Problems:
    """Collects problems. What stands under a secret path is not repeated in them."""

    source: str
    secret_paths: frozenset[Path] = frozenset()
    found: list[Problem] = field(default_factory=list)

    def add(self, path: Path, message: str, hint: str = "") -> None:
        """Adds a problem of the key at this path."""
        self.found.append(Problem(path=path, message=message, hint=hint))

    def validate(
        self, path: Path, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """What `read` returns, None after a problem if it raises `BadInput`."""
        try:
            return read(*args, **kwargs)
        except BadInput as error:
            if is_secret(path, self.secret_paths):
                self.add(path, "not as expected; the value comes from a secret and is not shown")
            else:
                self.add(path, error.message, error.hint)
            return None

    def validate_keys(
        self, path: Path, given: Iterable[str], known: Iterable[str], what: str
    ) -> None:
        """Adds a problem for every key that is not known, with the nearest one that is."""
        known = tuple(known)
        for key in given:
            if key in known:
                continue
            meant = nearest(key, known, _LEAST_LIKENESS) or f"the keys are {', '.join(known)}"
            self.add((*path, key), f"not a key of {what}", meant)

    def refuse(self) -> None:
        """Raises `BadInput` naming all of them, if there are any."""
        if not self.found:
            return
        if len(self.found) == 1:
            problem = self.found[0]
            where = f"{dotted(problem.path)}: " if problem.path else ""
            raise BadInput(
                f"{self.source}: {where}{problem.message}",
                hint=problem.hint or "nothing was sent",
            )
        lines = "\n".join(f"  {' '.join(str(problem).split())}" for problem in self.found)
        raise _Several(
            f"{self.source} has {len(self.found)} problems\n{lines}", hint="nothing was sent"
        )


class _Several(BadInput):
    has_lines = True


def is_secret(path: Path, secret_paths: frozenset[Path]) -> bool:
    """What stands at this path, or above or below it, comes from a secret."""
    own = _joined(path)
    others = [_joined(secret) for secret in secret_paths]
    return any(own.startswith(other) or other.startswith(own) for other in others)


def _joined(path: Path) -> str:
    return "".join(f"{key.lower()}." for key in path)
