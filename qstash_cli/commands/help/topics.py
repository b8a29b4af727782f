"""The topics of `qstash help`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from textwrap import fill

from qstash_cli.cli.options import CliOption, callback_options
from qstash_cli.cli.parser import root_options
from qstash_cli.config.variables import VARIABLES
from qstash_cli.errors import ExitCode
from qstash_cli.protocol.backoff import DEFAULT_RETRIES, default_delay_ms
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.options import CALLBACK_FAMILIES

_WIDTH = 80
EXIT_CODES = {
    ExitCode.DONE: "success",
    ExitCode.FAILED: "rejected or failed",
    ExitCode.USAGE: "invalid usage; nothing was sent",
    ExitCode.CREDENTIALS: "credentials missing or rejected",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.RATE_LIMITED: "rate limited or over quota",
    ExitCode.UNREACHABLE: "QStash unreachable, or no response in time",
    ExitCode.NOT_VERIFIED: "verification failed",
    ExitCode.NOT_DELIVERED: "message not delivered",
    ExitCode.DIFFERENCES: "differences found (plan --check)",
    ExitCode.PARTLY_DONE: "partly successful",
    ExitCode.WAIT_TIMED_OUT: "wait timed out",
    ExitCode.INTERRUPTED: "interrupted, or not confirmed",
}
ENVIRONMENT = {", ".join(one.names): one.help for one in VARIABLES}


def _exit_codes() -> str:
    lines = [f"{code:>5}  {words}" for code, words in EXIT_CODES.items()]
    example = "qstash publish https://example.com/hook n:=1 --wait || echo undelivered"
    return "\n".join([*lines, "", example])


def _environment() -> str:
    lines = [f"{name}\n    {words}" for name, words in ENVIRONMENT.items()]
    return "\n".join(
        [
            *lines,
            "",
            "Options take precedence over variables, and",
            "so does a named profile.",
            "",
            "--env-file .env         variables from a file",
            "",
            "qstash config show      settings and their origins",
            "qstash doctor           diagnose problems",
        ]
    )


def _formatting() -> str:
    return """\
Data goes to stdout, messages go to stderr.
A terminal gets a table. A pipe gets
tab-separated values for lists, JSON for `get`,
and ids for commands that create or change.

-o json     QStash's own JSON
-o jsonl    one object per line, as they arrive
-o yaml     the same data as YAML
-o tsv      no header; tabs in values as \\t
-o csv      with a header
-o text     like tsv; with --query, plain values
-o ids      only ids; same as -q
--query E   select from the JSON (JMESPath)
--columns   choose columns: --columns state,url
--wide      cut nothing in tables

qstash logs -o json --query '[].messageId'
qstash logs --query '[0].messageId' -o text
qstash dlq list --columns dlqId,destination
qstash schedule list -q"""


def _retries() -> str:
    waits = [format_duration(round(default_delay_ms(n) / 1000)) for n in range(1, 6)]
    return f"""\
A failed delivery is retried {DEFAULT_RETRIES} times
by default (--retries). The waits grow:
{", ".join(waits)}; never more than a day.

--retry-delay takes milliseconds, or a formula
of retried: 'pow(2, retried) * 1000'. A
Retry-After header takes precedence.

After the last attempt the message is in the
DLQ: `qstash dlq list`, `qstash dlq retry ID`.

qstash retries --retries 5
qstash retries --retry-delay 'pow(2, retried) * 1000'"""


def _callbacks() -> str:
    tables = [
        f"{family.section} (with --{family.prefix} URL):\n{_described(callback_options(family))}"
        for family in CALLBACK_FAMILIES
    ]
    example = """\
qstash publish https://example.com/hook n:=1 \\
  --callback https://example.com/done --callback-retries 5"""
    return "\n\n".join([*tables, example])


def _options() -> str:
    options = root_options()
    tables = [
        f"{title}:\n{_described(one for one in options if one.flag.section == title)}"
        for title in dict.fromkeys(one.flag.section for one in options)
    ]
    examples = "qstash -p prod queue list -o json\nqstash queue list -p prod -o json"
    return "\n\n".join(["They are accepted before or after the command.", *tables, examples])


def _agents() -> str:
    from importlib.resources import files

    return files("qstash_cli.commands.help").joinpath("agents.md").read_text("utf-8").rstrip()


def _described(options: Iterable[CliOption]) -> str:
    rows = [(f"{', '.join(o.names)} {o.flag.metavar}".strip(), o.flag.help) for o in options]
    indent = max(len(names) for names, _ in rows) + 4
    return "\n".join(
        fill(
            text, _WIDTH, initial_indent=f"  {names}".ljust(indent), subsequent_indent=" " * indent
        )
        for names, text in rows
    )


TOPICS: dict[str, Callable[[], str]] = {
    "exit-codes": _exit_codes,
    "environment": _environment,
    "formatting": _formatting,
    "retries": _retries,
    "callbacks": _callbacks,
    "options": _options,
    "agents": _agents,
}
