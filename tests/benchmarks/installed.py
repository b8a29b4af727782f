"""The compared programs: our wheel and the peers, each installed as users install them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "peers"


class NotInstalled(Exception):
    """A peer is not available. The message is the reason."""


@dataclass(frozen=True)
class Installed:
    """Virtual environments and an npm prefix in `cache`, created on first use.

    Reuses installations of earlier runs, except for our own wheel, which is always built. Each peer
    raises `NotInstalled`.
    """

    cache: Path

    @cached_property
    def ours(self) -> Path:
        """Returns the directory of `qstash` and of its Python."""
        wheels = self.cache / "wheels"
        shutil.rmtree(wheels, ignore_errors=True)
        pip = self._venv("ours") / "pip"
        _run([str(pip), "wheel", "-q", "--no-deps", "-w", str(wheels), str(ROOT)])
        (wheel,) = wheels.glob("*.whl")
        # The peers of start-up import the newest Typer that our bounds allow.
        newest = ("--upgrade", "--upgrade-strategy", "eager")
        _run([str(pip), "install", "-q", *newest, str(wheel)])
        _run([str(pip), "install", "-q", "--force-reinstall", "--no-deps", str(wheel)])
        return pip.parent

    @cached_property
    def sdk(self) -> str:
        """Returns the Python with the official SDK."""
        return str(self._with("sdk", "qstash") / "python")

    @cached_property
    def httpie(self) -> str:
        """Returns HTTPie."""
        return str(self._with("httpie", "httpie") / "http")

    @cached_property
    def node_modules(self) -> Path:
        """Returns the directory of the official Node packages."""
        prefix = self.cache / "node"
        npm = shutil.which("npm")
        if npm is None:
            raise NotInstalled("npm is not here")
        if not (prefix / "node_modules" / ".bin" / "upstash").exists():
            prefix.mkdir(parents=True, exist_ok=True)
            _run([npm, "install", "--silent", "--prefix", str(prefix), *_NODE_PACKAGES])
        return prefix / "node_modules"

    @property
    def curl(self) -> str:
        """Returns curl, which must be installed already."""
        found = shutil.which("curl")
        if found is None:
            raise NotInstalled("curl is not here")
        return found

    def _venv(self, name: str) -> Path:
        place = self.cache / name
        if not (place / "bin" / "pip").exists():
            _run([sys.executable, "-m", "venv", str(place)])
        return place / "bin"

    def _with(self, name: str, package: str) -> Path:
        programs = self._venv(name)
        _run([str(programs / "pip"), "install", "-q", package])
        return programs


_NODE_PACKAGES = ("@upstash/qstash", "@upstash/cli")


def or_reason(make: Callable[[], T]) -> T | str:
    """Returns the result for a peer, or the reason why the peer is not available."""
    try:
        return make()
    except NotInstalled as missing:
        return str(missing)


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(  # noqa: S603 - a command of the benchmark
        argv, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise NotInstalled(f"not installed: {lines[-1][:100]}")
