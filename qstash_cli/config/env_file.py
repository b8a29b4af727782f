"""The variables of a file such as `.env`, which stand for those of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qstash_cli.config.environment import REGIONS
from qstash_cli.errors import BadInput

_LEADING_TO_QSTASH = ("QSTASH_", *(f"{region}_QSTASH_" for region in REGIONS))
_OF_THE_PROGRAM = frozenset({"QSTASH_CONFIG_DIR"})


def variables(path: str, env: Mapping[str, str]) -> dict[str, str]:
    """The environment with the file's variables in place of all that lead to a QStash.

    None of those is kept, so that a token in the file never reaches a URL of the environment.
    Nothing in a value stands for another variable. Raises `BadInput` naming the file and line.
    """
    kept = {
        name: value
        for name, value in env.items()
        if name in _OF_THE_PROGRAM or not name.startswith(_LEADING_TO_QSTASH)
    }
    return kept | _read(path)


def _read(path: str) -> dict[str, str]:
    from io import StringIO

    from dotenv.parser import parse_stream

    try:
        text = Path(path).expanduser().read_bytes().decode()
    except OSError as fault:
        reason = (fault.strerror or type(fault).__name__).lower()
        raise BadInput(f"the environment file cannot be read: {path}", hint=reason) from None
    except UnicodeDecodeError:
        raise BadInput(f"the environment file is not UTF-8: {path}") from None
    found = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            raise _not_a_variable(path, binding.original.line, binding.original.string)
        if binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    return found


def _not_a_variable(path: str, line: int, original: str) -> BadInput:
    # What the line holds may be a secret. The parser counts the blank lines before it too.
    first = line + len(original) - len(original.lstrip("\n"))
    return BadInput(f"{path}, line {first}: not NAME=value", hint="nothing was sent")
