"""Collects the problems of a manifest, so that all are reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from qstash_cli.errors import BadInput
from qstash_cli.protocol.suggestions import did_you_mean

P = ParamSpec("P")
T = TypeVar("T")
Path = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MIN_SIMILARITY = 0.6


def dotted(path: Path) -> str:
    """Returns a path of keys in TOML's notation: `schedules.nightly.retries`."""
    return ".".join(key if _BARE.fullmatch(key) else json.dumps(key) for key in path)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem with one key, and a hint."""

    path: Path
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{dotted(self.path)}: {self.message}" if self.path else self.message
        return f"{text}; {self.hint}" if self.hint else text


@dataclass
class Problems:
    """Collects problems. Values under secret paths are not included in messages."""

    source: str
    secret_paths: frozenset[Path] = frozenset()
    found: list[Problem] = field(default_factory=list)

    def add(self, path: Path, message: str, hint: str = "") -> None:
        """Adds a problem with the key at this path."""
        self.found.append(Problem(path=path, message=message, hint=hint))

    def validate(
        self, path: Path, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Returns the result of `read`; on `BadInput`, adds a problem and returns None."""
        try:
            return read(*args, **kwargs)
        except BadInput as error:
            if is_secret(path, self.secret_paths):
                self.add(path, "invalid value; it comes from a secret and is not displayed")
            else:
                self.add(path, error.message, error.hint)
            return None

    def validate_keys(
        self, path: Path, given: Iterable[str], known: Iterable[str], what: str
    ) -> None:
        """Adds a problem for every unknown key, with a suggestion."""
        known = tuple(known)
        for key in given:
            if key in known:
                continue
            meant = did_you_mean(key, known, _MIN_SIMILARITY) or f"known keys: {', '.join(known)}"
            self.add((*path, key), f"unknown key of {what}", meant)

    def raise_if_any(self) -> None:
        """Raises `BadInput` listing the problems, if there are any."""
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
    """Whether the value at this path, above it or below it comes from a secret."""
    own = _joined(path)
    others = [_joined(secret) for secret in secret_paths]
    return any(own.startswith(other) or other.startswith(own) for other in others)


def _joined(path: Path) -> str:
    return "".join(f"{key.lower()}." for key in path)
