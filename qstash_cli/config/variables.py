"""The environment variables that the program reads, for help and documentation.

A test compares them with the variables that the source code names.
"""

from __future__ import annotations

from typing import NamedTuple

from qstash_cli.config.environment import REGIONS
from qstash_cli.config.unattended import AGENTS, ANY_AGENT, CI


class Variable(NamedTuple):
    """Variables with one meaning. Lowercase forms of proxy variables are read too."""

    names: tuple[str, ...]
    help: str


def _regional(suffix: str) -> tuple[str, ...]:
    return tuple(f"{region}_QSTASH_{suffix}" for region in reversed(REGIONS))


CONNECTION = (
    Variable(("QSTASH_TOKEN",), "API token"),
    Variable(("QSTASH_URL",), "API URL [default: EU]"),
    Variable(("QSTASH_CURRENT_SIGNING_KEY",), "key for verify, sign, probe, replay"),
    Variable(("QSTASH_NEXT_SIGNING_KEY",), "key for verify, sign, probe"),
    Variable(("QSTASH_REGION",), "US_EAST_1 or EU_CENTRAL_1: use its variables"),
    Variable(_regional("TOKEN"), "token of the region"),
    Variable(_regional("URL"), "API URL of the region"),
    Variable(_regional("CURRENT_SIGNING_KEY"), "current signing key of the region"),
    Variable(_regional("NEXT_SIGNING_KEY"), "next signing key of the region"),
    Variable(("QSTASH_DEV",), "true: use `qstash dev`"),
    Variable(("QSTASH_PROFILE",), "profile to use"),
)
SERVER = (
    Variable(("QSTASH_DEV_PORT",), "port of `qstash dev` [default: 8080]"),
    Variable(("QSTASH_DEV_LOG_PORT",), "second port of `qstash dev`, for logs"),
    Variable(("QSTASH_DEV_QUOTA",), "plan of `qstash dev`: free, payg, fixed or pro"),
)
NETWORK = (
    Variable(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "HTTP proxy"),
    Variable(("NO_PROXY",), "hosts that are reached without a proxy"),
    Variable(("SSL_CERT_FILE", "SSL_CERT_DIR"), "trusted certificates"),
)
FILES = (
    Variable(("QSTASH_CONFIG_DIR",), "directory of config.toml"),
    Variable(("XDG_CONFIG_HOME",), "directory of qstash/config.toml"),
    Variable(("XDG_CACHE_HOME",), "directory of the completion cache"),
    Variable(("SHELL",), "login shell, for `qstash completion install`"),
    Variable(
        ("XDG_DATA_HOME", "BASH_COMPLETION_USER_DIR", "ZDOTDIR"), "where shells read completions"
    ),
)
TERMINAL = (
    Variable(("NO_COLOR",), "disables colours, like TERM=dumb"),
    Variable(("TERM",), "dumb: no colours"),
    Variable(("FORCE_COLOR",), "1: colours in a pipe too; 0: no colours"),
    Variable(("CLICOLOR_FORCE",), "1: colours in a pipe too"),
    Variable(("COLUMNS",), "width of tables"),
    Variable(("LINES",), "height of the terminal"),
    Variable(("QSTASH_PAGER",), "pager of long tables [default: PAGER]"),
    Variable(("PAGER",), "pager of long tables, such as less"),
)
AUTOMATION = (
    Variable(("GITHUB_ACTIONS",), "true: annotate errors"),
    Variable(("GITHUB_OUTPUT",), "file that --github-output writes"),
)
_LIKE_A_PIPE = "a terminal is like a pipe: no colours, questions, spinners"
UNATTENDED = (
    Variable(CI, f"true: {_LIKE_A_PIPE}"),
    Variable(ANY_AGENT, f"name of an agent: {_LIKE_A_PIPE}"),
    Variable(AGENTS, f"set by agents: {_LIKE_A_PIPE}"),
)
TRACES = (
    Variable(("TRACEPARENT", "TRACESTATE"), "trace that --trace continues"),
    Variable(("OTEL_EXPORTER_OTLP_ENDPOINT",), "collector to which `qstash dev` exports traces"),
    Variable(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",), "the same, with the path"),
    Variable(("OTEL_EXPORTER_OTLP_HEADERS",), "headers for the collector, such as an API key"),
    Variable(("OTEL_SERVICE_NAME",), "service of the spans [default: qstash]"),
    Variable(("OTEL_SDK_DISABLED",), "true: export no traces"),
    Variable(("OTEL_TRACES_EXPORTER",), "none: export no traces"),
)
SECTIONS = {
    "Connection": CONNECTION,
    "Embedded server": SERVER,
    "Network": NETWORK,
    "Files": FILES,
    "Terminal": TERMINAL,
    "CI and agents": UNATTENDED,
    "GitHub Actions": AUTOMATION,
    "Traces": TRACES,
}
VARIABLES = tuple(one for section in SECTIONS.values() for one in section)
