"""The configuration of the benchmarks: installations, directories and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.installed import Installed
from tests.benchmarks.rows import Row
from tests.benchmarks.timing import clean_environment

TOKEN = "a-token-of-the-benchmark"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run of the benchmarks. `quick` means smaller numbers and fewer rounds."""

    installed: Installed
    work: Path
    quick: bool

    @property
    def rounds(self) -> int:
        """The number of pairs of whole processes that take a fraction of a second."""
        return 7 if self.quick else 21

    @property
    def long_rounds(self) -> int:
        """The number of pairs of runs that take seconds."""
        return 1 if self.quick else 5

    def size(self, number: int) -> int:
        """Returns a number of records, or a tenth of it for a quick run."""
        return number // 10 if self.quick else number

    def env(self, **more: str) -> dict[str, str]:
        """The environment of all processes."""
        return clean_environment(self.work, **more)

    def client_env(self, url: str) -> dict[str, str]:
        """Returns the environment of a client of the server at `url`."""
        return self.env(QSTASH_URL=url, QSTASH_TOKEN=TOKEN)


Benchmark = Callable[[Plan], Iterator[Row]]
