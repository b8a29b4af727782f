"""A command's code is found within three modules of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import qstash_cli.commands

_COMMANDS = Path(qstash_cli.commands.__file__).parent
_PREFIX = f"{qstash_cli.commands.__name__}."
_MODULES = {
    _PREFIX + ".".join(path.relative_to(_COMMANDS).with_suffix("").parts): path
    for path in _COMMANDS.rglob("*.py")
    if path.name != "__init__.py"
}
_LONGEST = 3


def test_no_import_path_of_a_command_is_longer_than_three_modules() -> None:
    paths = [_longest_path(module) for module in _MODULES]
    assert max(map(len, paths)) > 1
    assert [path for path in paths if len(path) > _LONGEST] == []


@cache
def _longest_path(module: str) -> tuple[str, ...]:
    return (module, *max(map(_longest_path, _imported(module)), key=len, default=()))


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(_MODULES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            yield from (name for name in names if name in _MODULES and name != module)
