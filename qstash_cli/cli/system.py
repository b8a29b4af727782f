"""The system of a run, besides its streams: environment, clock, randomness, programs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class System(NamedTuple):
    """The system that a run uses.

    `now` is in unix seconds; `sleep` takes seconds. `run_command` returns the output of a program.
    `started_at_s` is the unix time at which the process started, or a later one. `parent_name` is
    the name of the program that started it, empty if unknown.
    """

    env: Mapping[str, str]
    home: Path
    now: Callable[[], float]
    sleep: Callable[[float], None]
    random_bytes: Callable[[int], bytes]
    run_command: Callable[[Sequence[str]], str]
    started_at_s: Callable[[], float] = lambda: math.inf
    parent_name: Callable[[], str] = str

    @classmethod
    def from_process(cls) -> System:
        """Returns the system of this process."""
        import time

        from qstash_cli.config.token_command import printed
        from qstash_cli.process import parent_name, started_at_s

        return cls(
            env=os.environ,
            home=Path.home(),
            now=time.time,
            sleep=time.sleep,
            random_bytes=os.urandom,
            run_command=printed,
            started_at_s=started_at_s,
            parent_name=parent_name,
        )
