"""The fenced blocks of the documentation, and which of them are marked as not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "qstash_cli/commands/help/agents.md",
)
_FORM = "shows a form, not a command"
# Every reason that a block may give in a comment before it: `<!-- not run: REASON -->`.
REASONS = (
    "installs from the network",
    "runs the whole test suite",
    _FORM,
)
# Pages that are not run, and why.
PAGES_NOT_RUN = {"docs/guides/workflows.md": "needs an app with runs of a workflow"}
# Lines that are not run, with the tests that do.
LINES_NOT_RUN = {
    "qstash config login": "asks at a terminal, and needs the cloud: test_login.py",
    "qstash top": "needs a terminal: test_top.py",
    "qstash dev -o jsonl |": "prints nothing until a delivery fails: test_dev_events.py",
}
# Blocks in these languages are run, here or by the tests of recipes, the manifest and the plugin.
RUN = ("sh",)
_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]*) -->\n\n?)?"
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
# A line that a reader would type.
_TYPED = re.compile(r"^(?:\$ \S|(?:qstash|uv|pipx?|npm|npx|docker|python3) )", re.MULTILINE)


class Fence(NamedTuple):
    """A fenced block. `line` is the number of its first line; `reason` is why it is not run."""

    page: Path
    line: int
    language: str
    text: str
    reason: str | None

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_typed(self) -> bool:
        """Whether it has a line that a reader would type."""
        return self.language in RUN or (
            self.language in {"", "text", "console", "bash", "shell"}
            and _TYPED.search(self.text) is not None
        )


def fences(page: Path) -> Iterator[Fence]:
    """Yields the blocks of a page in order."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start("text")) + 1
        indent = found["indent"]
        lines = [one.removeprefix(indent) for one in found["text"].splitlines(keepends=True)]
        content = "".join(lines)
        reason = _FORM if content.endswith(" [OPTIONS]\n") else found["reason"]
        yield Fence(page, line, found["language"], content, reason)


class Command(NamedTuple):
    """What is run at once: a line, or a block whose lines depend on each other."""

    place: str
    text: str


def commands(fence: Fence) -> Iterator[Command]:
    """Yields the commands of a block in order."""
    if _is_script(fence.text):
        yield Command(fence.place, fence.text)
        return
    number = fence.line
    for line in fence.text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield Command(f"{fence.page.relative_to(ROOT)}:{number}", line)
        number += 1


def _is_script(text: str) -> bool:
    """Whether lines depend on each other: by variables, jobs, or as the file of a script."""
    return re.search(r"=\$\(|&$|<<|\\$|^#!", text, re.MULTILINE) is not None


def is_run(command: Command) -> bool:
    return not command.text.startswith(tuple(LINES_NOT_RUN))


def page_of(path: Path) -> str:
    return str(path.relative_to(ROOT))
