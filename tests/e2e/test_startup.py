"""The modules that commands import at start-up. The benchmarks measure the time."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from qstash_cli.cli.index import INDEX
from tests.e2e.conftest import QSTASH, Dev, plain_environment, run
from tests.e2e.together import Line, run_together
from tests.sink import Sink

SLOW = {
    "asyncio", "dotenv", "httpx", "httpx2", "jmespath", "jwt", "mcp", "mcp_types",
    "platformdirs", "pydantic", "rich", "simpleeval", "sqlite3", "starlette", "tomli_w", "uvicorn",
    "urllib.request", "opentelemetry", "requests", "qstash_cli.protocol.otlp",
    "qstash_cli.protocol.traceparent",
}  # fmt: skip
KEY = "sig_of_the_test"
HELPS = {
    "root help": ("--help",),
    **{f"{one.name} help": (one.name, "--help") for one in INDEX.entries},
}
FREE_OF_ALL = {
    "a dry run": ("publish", "https://example.com/a", "a=1", "--dry-run"),
    "curl": ("publish", "https://example.com/a", "a=1", "--curl"),
    "bad input": ("publish", "example.com/a"),
    "no credentials": ("logs",),
    "a list of profiles": ("config", "list"),
    "a completion script": ("completion", "bash"),
}

COMPLETED = (
    "qstash pub",
    "qstash queue ",
    "qstash publish --re",
    "qstash publish https://example.com -d ",
    "qstash schedule create --tz Eu",
    "qstash logs -o ",
    "qstash logs --state ",
    "qstash config use ",
)


def imported(argv: tuple[str, ...], env: dict[str, str]) -> set[str]:
    command = [sys.executable, "-X", "importtime", *QSTASH[1:], *argv]
    done = subprocess.run(  # noqa: S603 - a command of the test
        command, env=env, capture_output=True, text=True, check=False
    )
    return modules_of(done.stderr)


def modules_of(report: str) -> set[str]:
    return set(re.findall(r"^import time:.*\| +(\S+)$", report, re.MULTILINE))


def test_the_console_is_not_imported_before_it_is_opened(tmp_path: Path) -> None:
    found = imported(("dev", "--", "true"), plain_environment(tmp_path))

    assert "starlette" in found
    assert not [one for one in found if one.startswith(("jinja2", "markupsafe"))]
    assert not found & {"qstash_cli.server.console.app", "qstash_cli.server.console.pages"}


def test_dev_does_not_import_the_sdk_of_mcp_before_a_client_comes(tmp_path: Path) -> None:
    found = imported(("dev", "--", "true"), plain_environment(tmp_path))

    assert "qstash_cli.mcp_server.http" in found
    assert not found & {"mcp", "mcp_types", "pydantic", "jsonschema"}


def test_dev_does_not_import_opentelemetry_unless_it_exports_traces(tmp_path: Path) -> None:
    env = plain_environment(tmp_path)
    exporting = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    sdk = {"opentelemetry", "requests", "qstash_cli.server.tracing.exporter"}

    assert not imported(("dev", "--", "true"), env) & sdk
    assert (
        not imported(("dev", "--", "true"), env | exporting | {"OTEL_SDK_DISABLED": "true"}) & sdk
    )
    assert imported(("dev", "--", "true"), env | exporting) >= sdk


def imported_by_none(lines: Mapping[str, Line], modules: set[str], env: dict[str, str]) -> None:
    """Asserts that no command imports one of the modules, and names the first that does."""
    ran = run_together(list(lines.values()), env)
    for name, one in zip(lines, ran, strict=True):
        assert "qstash_cli.cli.run" in one.modules
        assert one.out or name in FREE_OF_ALL
        assert not one.modules & modules, name


def test_commands_import_no_slow_modules_that_they_do_not_need(tmp_path: Path) -> None:
    lines: dict[str, Line] = {name: (argv, {}) for name, argv in FREE_OF_ALL.items()}

    imported_by_none(lines, SLOW, plain_environment(tmp_path))


def test_a_help_needs_rich_and_no_other_slow_module(tmp_path: Path) -> None:
    lines: dict[str, Line] = {name: (argv, {}) for name, argv in HELPS.items()}

    imported_by_none(lines, SLOW - {"rich"}, plain_environment(tmp_path))


def test_completion_imports_neither_typer_nor_anything_slow(tmp_path: Path) -> None:
    lines = {line: ((), {"_QSTASH_COMPLETE": "bash", "_QSTASH_LINE": line}) for line in COMPLETED}

    imported_by_none(lines, SLOW | {"typer", "importlib.resources"}, plain_environment(tmp_path))


def test_the_version_is_printed_without_typer(tmp_path: Path) -> None:
    modules = imported(("--version",), plain_environment(tmp_path))

    assert "qstash_cli.__main__" in modules or "qstash_cli" in modules
    assert modules & (SLOW | {"typer", "dataclasses", "qstash_cli.cli"}) == set()


def test_a_help_imports_no_other_command(tmp_path: Path) -> None:
    # `-X importtime` does not report modules imported by importlib.
    script = (
        "import sys, qstash_cli.__main__ as program\n"
        "sys.argv = ['qstash', 'dlq', '--help']\n"
        "try: program.main()\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = run([sys.executable, "-c", script], plain_environment(tmp_path))

    modules = done.stdout.splitlines()[-1].split()
    commands = {m.rpartition(".")[2] for m in modules if m.startswith("qstash_cli.commands.")}
    assert commands & {entry.name for entry in INDEX.entries} == {"dlq"}


@pytest.mark.parametrize("command", ["verify", "sign"])
def test_signatures_import_no_slow_module_except_pyjwt(command: str, tmp_path: Path) -> None:
    verifying = ("--signature", "a.b.c", "--current-key", KEY)
    flags = verifying if command == "verify" else ("--key", KEY)
    argv = (command, *flags, "--url", "https://a.example", "--body", "x")

    needs = imported(argv, plain_environment(tmp_path)) & SLOW

    # PyJWT imports urllib.request itself.
    assert needs == {"jwt", "urllib.request"}


def test_a_publish_in_a_pipe_imports_no_slow_module(
    start_dev: Callable[..., Dev], sink: Sink
) -> None:
    dev = start_dev("--port", "0")

    needs = imported(("publish", sink.url, "a=1"), dev.env) & SLOW

    assert needs == set()


def test_what_is_plainly_right_and_completion_import_no_typer(tmp_path: Path) -> None:
    env = plain_environment(tmp_path)
    verifying = ("verify", "--signature", "a.b.c", "--current-key", KEY)
    completing = {"_QSTASH_COMPLETE": "bash", "_QSTASH_LINE": "qstash schedule create --tz Eu"}

    assert "typer" not in imported(verifying, env)
    assert "typer" not in imported(FREE_OF_ALL["a dry run"], env)
    assert "typer" not in imported((), env | completing)
