"""The layers of the server that import contracts cannot enforce."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import qstash_cli.server

SERVER = Path(qstash_cli.server.__file__).parent
STATEMENTS = {"execute", "executemany", "executescript"}


def calls(path: Path) -> set[str]:
    """Returns the names of the methods that a module calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


@pytest.mark.parametrize("package", ["delivery", "http", "services"])
def test_only_the_storage_executes_sql(package: str) -> None:
    modules = list((SERVER / package).rglob("*.py"))

    assert modules
    assert [path.name for path in modules if calls(path) & STATEMENTS] == []


def test_no_route_uses_the_store_or_the_engine_directly() -> None:
    for path in (SERVER / "http" / "routes").glob("*.py"):
        names = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
        }
        assert names.isdisjoint({"store", "engine", "scheduler", "run"}), path.name
