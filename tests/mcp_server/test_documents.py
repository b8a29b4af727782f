"""The documentation of the MCP server lists its tools, and its configurations start it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qstash_cli.cli.index import INDEX
from qstash_cli.cli.parser import read
from qstash_cli.mcp_server.catalog import tools

PAGE = (Path(__file__).parents[2] / "docs/agents.md").read_text()


def configured() -> Iterator[dict[str, Any]]:
    for language, text in re.findall(r"```(json|toml)\n(.*?)```", PAGE, re.DOTALL):
        document = json.loads(text) if language == "json" else tomllib.loads(text)
        (servers,) = document.values()
        yield from (one for one in servers.values() if one.get("type") != "http")


def test_every_configuration_starts_the_server() -> None:
    lines = [(one["command"], *one["args"]) for one in configured()]
    lines += [tuple(line.split()) for line in re.findall(r"(?<= )qstash mcp [^`]*", PAGE)]

    assert len(lines) >= 5
    for program, first, *rest in lines:
        assert (program, first) == ("qstash", "mcp")
        assert read(INDEX.group("mcp"), rest) is not None, rest


def test_every_tool_is_listed() -> None:
    reading, writing = re.split(r"`qstash mcp --allow-writes` adds", PAGE, maxsplit=1)

    for tool in tools(writes=True, local=True):
        assert f"`{tool.entry.name}`" in (writing if tool.entry.writes else reading)
