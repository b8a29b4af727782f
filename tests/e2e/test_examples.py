"""Every command of README and docs runs as a reader would run it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from qstash_cli.cli.index import INDEX
from qstash_cli.cli.registry import Command as CliCommand
from tests.e2e.fences import (
    PAGES,
    PAGES_NOT_RUN,
    REASONS,
    ROOT,
    RUN,
    Command,
    Fence,
    commands,
    fences,
    is_run,
    page_of,
)
from tests.e2e.reader import reading
from tests.e2e.watched import connections, listed
from tests.figures import Figures
from tests.in_process import Qstash

CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def has_commands(fence: Fence) -> bool:
    # The script of a recipe; test_recipes.py runs it as cron does.
    is_left_out = fence.reason is not None or page_of(fence.page) in PAGES_NOT_RUN
    return fence.language in RUN and not is_left_out and not fence.text.startswith("#!")


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "commands.md" and any(map(has_commands, fences(page)))],
    ids=page_of,
)
def test_the_commands_of_the_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    run_in_order(
        (command for fence in filter(has_commands, fences(page)) for command in commands(fence)),
        tmp_path,
    )


@pytest.mark.parametrize("word", sorted({name.split()[0] for name, _ in INDEX.all_commands()}))
def test_the_examples_of_the_help_run_in_order(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    run_in_order(
        (Command(f"qstash {name} --help", text)
         for name, command in INDEX.all_commands() if name.split()[0] == word
         for text in examples_of(command)),
        tmp_path,
    )  # fmt: skip


def examples_of(command: CliCommand) -> list[str]:
    return re.findall(r"^(?:qstash|source|eval) .*$", command.help, re.MULTILINE)


def run_in_order(texts: Iterable[Command], home: Path) -> None:
    failed: list[str] = []
    with listed() as connected, reading(home) as reader:
        for command in filter(is_run, texts):
            ran = reader.run(command)
            if ran.code != ran.expected:
                failed.append(str(ran))

    assert failed == [], "\n\n".join(failed)
    # No telemetry and no update checks: it connects only to this machine.
    elsewhere = [one for one in (*connected, *connections(home)) if not _is_here(one)]
    assert elsewhere == []


def _is_here(connection: str) -> bool:
    event, _, place = connection.partition(" ")
    if event == "socket.connect":
        return place.startswith(("('127.0.0.1', ", "('::1', "))
    return place in {"127.0.0.1", "::1", "localhost"}


def test_a_block_that_is_not_run_says_why(figures: Figures) -> None:
    everything = [fence for page in (*PAGES, CONTRIBUTING) for fence in fences(page)]
    marked = [fence for fence in everything if fence.reason is not None]
    run = [fence for fence in everything if has_commands(fence) and fence.page != CONTRIBUTING]

    figures("blocks of the documentation", cases=len(run), not_run=len(marked))
    assert [fence.place for fence in marked if fence.reason not in REASONS] == []
    assert [
        fence.place
        for fence in everything
        if fence.is_typed and fence.reason is None and not has_commands(fence)
        and not fence.text.startswith("#!") and page_of(fence.page) not in PAGES_NOT_RUN
    ] == []  # fmt: skip
    assert [
        fence.place for fence in everything if fence.page == CONTRIBUTING and has_commands(fence)
    ] == []


def test_the_examples_of_the_help_are_on_the_page_of_commands() -> None:
    page = ROOT / "docs/reference/commands.md"
    on_page = "".join(fence.text for fence in fences(page)).splitlines()

    for name, command in INDEX.all_commands():
        examples = examples_of(command)
        assert examples, f"{name} has no example"
        assert set(examples) <= set(on_page), name


def test_every_command_has_a_short_help_line(
    qstash: Qstash, capsys: pytest.CaptureFixture[str]
) -> None:
    qstash("--help")
    root_help = capsys.readouterr().out
    for entry in INDEX.entries:
        assert len(entry.help) <= 60
        assert not entry.help.endswith(".")
        assert entry.help in root_help
