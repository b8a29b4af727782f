"""Reads variables from a file such as `.env`, in place of those of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qstash_cli.config.environment import REGIONS
from qstash_cli.errors import BadInput

_CONNECTION_PREFIXES = ("QSTASH_", *(f"{region}_QSTASH_" for region in REGIONS))
_NOT_A_CONNECTION = frozenset({"QSTASH_CONFIG_DIR"})


def variables(path: str, env: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment with the file's variables in place of all connection variables.

    The environment's own connection variables are removed, so that a token in the file is never
    sent to a URL from the environment. Values are not expanded. Raises `BadInput` naming the file
    and line.
    """
    kept = {
        name: value
        for name, value in env.items()
        if name in _NOT_A_CONNECTION or not name.startswith(_CONNECTION_PREFIXES)
    }
    return kept | _read(path)


def _read(path: str) -> dict[str, str]:
    from io import StringIO

    from dotenv.parser import parse_stream

    try:
        text = Path(path).expanduser().read_bytes().decode()
    except OSError as fault:
        reason = (fault.strerror or type(fault).__name__).lower()
        raise BadInput(f"cannot read the environment file: {path}", hint=reason) from None
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
    # The line may contain a secret, so it is not quoted. The parser's number is that of the blank
    # lines before it.
    first = line + len(original) - len(original.lstrip("\n"))
    return BadInput(f"{path}, line {first}: not NAME=value", hint="nothing was sent")
