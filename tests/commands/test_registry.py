"""Groups of commands, which may contain groups."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import CommandGroup, NestedGroup, command, group
from qstash_cli.commands.common.views import RAW
from qstash_cli.output.result import Result


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> CommandGroup:
    """Returns the group `runs` with `show`, `failed list` and `failed delete`."""
    failed = ModuleType("failed_runs")
    failed.__dict__["app"] = group()
    monkeypatch.setitem(sys.modules, "qstash_cli.commands.failed_runs", failed)
    app = group(NestedGroup("failed", "List and delete failed runs", "failed_runs"))
    for added_to, name in ((app, "show"), (failed.app, "list"), (failed.app, "delete")):
        command(added_to, name)(_nothing)
    return app


def _nothing(ctx: Context) -> Result:  # noqa: ARG001 - every command has it
    """Do nothing."""
    return Result(data=[], view=RAW)


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        ("show wfr_1", "show", "wfr_1"),
        ("failed list -q", "failed list", "-q"),
        ("failed delete list", "failed delete", "list"),
    ],
)
def test_a_line_names_a_command_at_any_level(
    runs: CommandGroup, line: str, name: str, rest: str
) -> None:
    found = runs.select(line.split())

    assert found.command == dict(runs.commands("runs"))[f"runs {name}"]
    assert (" ".join(found.names), list(found.rest)) == (name, rest.split())


@pytest.mark.parametrize(
    ("line", "names", "rest"),
    [("", (), []), ("nope", (), ["nope"]), ("failed", ("failed",), []),
     ("failed show", ("failed",), ["show"])],
)  # fmt: skip
def test_a_line_without_a_command_names_the_innermost_group(
    runs: CommandGroup, line: str, names: tuple[str, ...], rest: list[str]
) -> None:
    found = runs.select(line.split())

    assert (found.command, found.names, list(found.rest)) == (None, names, rest)
    assert "list" in {one.name for one in found.group.subcommands} or not names


def test_commands_have_the_names_of_their_groups(runs: CommandGroup) -> None:
    names = [name for name, _ in runs.commands("runs")]

    assert names == ["runs show", "runs failed list", "runs failed delete"]
