"""The package's source and dependencies: no eval, no shell, a reason for each dependency."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.figures import Figures

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "qstash_cli").rglob("*.py"))
# Functions that evaluate text, run a shell, or deserialize objects.
_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execl", "os.spawnl",
    "subprocess.getoutput", "subprocess.getstatusoutput", "pickle.loads", "pickle.load",
    "marshal.loads", "yaml.load", "shelve.open", "tempfile.mktemp",
}  # fmt: skip
# Methods of the evaluator of retry delays, which tests/protocol covers.
_METHODS = {"compile", "eval"}


def called(node: ast.Call) -> str:
    """Returns the called name, `module.name` or `name`."""
    function = node.func
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else "?"
        return f"{owner}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else "?"


def faults(source: str) -> list[str]:
    """Returns the forbidden calls in a source file."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    found = [called(node) for node in calls if called(node) in _CALLS]
    shells = [
        called(node) for node in calls for word in node.keywords
        if word.arg == "shell" and not (
            isinstance(word.value, ast.Constant) and word.value.value is False
        )
    ]  # fmt: skip
    return [*found, *shells]


def test_the_package_contains_no_eval_and_no_shell(figures: Figures) -> None:
    found = [f"{path}: {one}" for path in SOURCES for one in faults(path.read_text())]

    figures("supply", cases=len(SOURCES), failures=len(found))
    assert SOURCES
    assert not found


@pytest.mark.parametrize(
    "source", ["eval(x)", "exec('x')", "subprocess.run(x, shell=True)", "os.system(x)",
               "f(shell=y)", "__import__(x)", "pickle.loads(x)"],
)  # fmt: skip
def test_forbidden_calls_are_detected(source: str) -> None:
    assert faults(source)
    assert not faults("run(x, shell=False)\nre.compile(x)\nevaluator.eval(x)")


def _dependencies() -> list[tuple[str, str]]:
    """Returns each dependency in pyproject.toml with the comment above it."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    found = []
    for above, line in pairwise(lines):
        if re.fullmatch(r'  "[\w.-]+(\[\w+\])?[<>=].*",', line):
            found.append((line.strip(), above.strip() if above.strip().startswith("#") else ""))
    return found


def test_each_dependency_has_a_lower_bound_and_a_reason_above_it(figures: Figures) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime = project["dependencies"]
    reasons = {line.strip('",'): reason for line, reason in _dependencies()}

    figures("supply", cases=len(runtime))
    assert all(">=" in one for one in runtime)
    assert not [one for one in runtime if not reasons.get(one)]


# Packages whose module has another name.
_MODULES = {
    "pyjwt": "jwt", "python-dotenv": "dotenv", "pyyaml": "yaml", "tomli-w": "tomli_w",
    "opentelemetry-sdk": "opentelemetry",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
}  # fmt: skip


def imported_packages() -> set[str]:
    """Returns the third-party modules that the package imports."""
    nodes = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text()))]
    names = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"qstash_cli"}


def test_imports_and_dependencies_match() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    dependencies = [*project["dependencies"], *extras["mcp"], *extras["otel"]]
    packages = [re.split(r"[<>=\[]", one)[0] for one in dependencies]
    modules = {_MODULES.get(one, one) for one in packages}

    # pytest itself imports the plugin.
    assert imported_packages() - {"_typeshed", "pytest"} == modules
