"""Several commands in one process: none may do what the process has not done by its end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Line = tuple[Sequence[str], Mapping[str, str]]

_SCRIPT = """
import json, os, sys
import qstash_cli.__main__ as program

for words, variables in json.loads(sys.argv[1]):
    os.environ.update(variables)
    sys.argv = ["qstash", *words]
    try:
        program.main()
    except SystemExit:
        pass
    print(json.dumps(["imported", *sys.modules]), flush=True)
"""


class Ran(NamedTuple):
    """What a command printed, and the modules that it and the commands before it imported."""

    out: str
    modules: frozenset[str]


def run_together(lines: Sequence[Line], env: Mapping[str, str]) -> list[Ran]:
    """Runs commands, each with its own variables, in one process; fails if one does not end."""
    plain = [(list(words), dict(variables)) for words, variables in lines]
    done = subprocess.run(  # noqa: S603 - commands of the test
        [sys.executable, "-c", _SCRIPT, json.dumps(plain)],
        env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    ran, printed = [], ""
    for line in done.stdout.splitlines(keepends=True):
        if line.startswith('["imported"'):
            ran.append(Ran(printed, frozenset(json.loads(line))))
            printed = ""
        else:
            printed += line
    assert len(ran) == len(plain), done
    return ran
