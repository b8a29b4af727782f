"""Options of every command: output, automation and connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from qstash_cli.cli.flags import flag
from qstash_cli.errors import BadInput
from qstash_cli.protocol.durations import parse_duration_s

_OUTPUT = "Output"
_CONNECTION = "Connection"
_AUTOMATION = "Automation"


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """The format of the result."""

    output: str | None = flag(
        "table, json, jsonl, yaml, tsv, csv, text or ids",
        "-o",
        "--output",
        metavar="FORMAT",
        section=_OUTPUT,
        complete="format",
    )
    json: bool = flag("Same as -o json", section=_OUTPUT)
    quiet: bool = flag("Same as -o ids", "-q", "--quiet", section=_OUTPUT)
    query: str | None = flag(
        "JMESPath expression that selects from the JSON", metavar="JMESPATH", section=_OUTPUT
    )
    columns: str | None = flag("Columns to display", metavar="A,B", section=_OUTPUT)
    wide: bool = flag("Display every column of a table without cutting values", section=_OUTPUT)
    no_pager: bool = flag("Write long tables without a pager", section=_OUTPUT)
    verbose: bool = flag(
        "Print requests and responses with their bodies to stderr",
        "-v",
        "--verbose",
        section=_OUTPUT,
    )
    debug: bool = flag("Print a traceback with an error", section=_OUTPUT)

    @property
    def format(self) -> str | None:
        """The name of the requested format, or None."""
        return "json" if self.json else "ids" if self.quiet else self.output


def _output_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", text):
        raise BadInput(f"not the name of an output: {text!r}", hint="letters, digits, - and _")
    return text


@dataclass(frozen=True, kw_only=True)
class AutomationOptions:
    """Options for pipelines."""

    no_input: bool = flag("Fail instead of asking for input", section=_AUTOMATION)
    no_config: bool = flag("Ignore the configuration file", section=_AUTOMATION)
    github_output: str | None = flag(
        "Output of the GitHub Actions step that receives the id",
        metavar="NAME",
        parse=_output_name,
        section=_AUTOMATION,
    )


@dataclass(frozen=True, kw_only=True)
class ConnectionOptions:
    """The QStash server, and the timeouts and retries of its requests. Times are in seconds."""

    profile: str | None = flag(
        "Profile with the credentials",
        "-p",
        "--profile",
        metavar="NAME",
        section=_CONNECTION,
        complete="profile",
    )
    env_file: str | None = flag(
        "File with variables, such as .env, used instead of the environment",
        metavar="FILE",
        section=_CONNECTION,
    )
    dev: bool = flag("Use `qstash dev` on this machine", section=_CONNECTION)
    api_url: str | None = flag("Base URL of the API", metavar="URL", section=_CONNECTION)
    token: str | None = flag(
        "API token; QSTASH_TOKEN or a profile is safer", metavar="TOKEN", section=_CONNECTION
    )
    insecure: bool = flag("Allow plain HTTP to another machine", section=_CONNECTION)
    request_timeout: int = flag(
        "Response timeout [default: 60s]",
        metavar="DURATION",
        parse=parse_duration_s,
        default=60,
        section=_CONNECTION,
    )
    max_wait: int = flag(
        "Maximum wait for a rate limit or Retry-After [default: 10s]",
        metavar="DURATION",
        parse=parse_duration_s,
        default=10,
        section=_CONNECTION,
    )
    dry_run: bool = flag("Print the requests instead of sending them", section=_CONNECTION)
    curl: bool = flag(
        "Print the requests as curl commands instead of sending them", section=_CONNECTION
    )

    @property
    def preview(self) -> Literal["text", "curl"] | None:
        """The form of the requests if they are previewed, or None if they are sent."""
        return "curl" if self.curl else "text" if self.dry_run else None


class RunOptions(NamedTuple):
    """The options that every command has."""

    output: OutputOptions = OutputOptions()
    automation: AutomationOptions = AutomationOptions()
    connection: ConnectionOptions = ConnectionOptions()
