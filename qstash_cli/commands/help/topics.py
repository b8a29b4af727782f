"""The topics of `qstash help`: short texts for a person in a hurry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from textwrap import fill

from qstash_cli.cli.options import CALLBACK_FAMILIES, CliOption, callback_options
from qstash_cli.cli.parser import root_options
from qstash_cli.errors import ExitCode
from qstash_cli.protocol.backoff import DEFAULT_RETRIES, default_delay_ms
from qstash_cli.protocol.durations import format_duration

_WIDTH = 80
EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "QStash refused it, or a check failed",
    ExitCode.USAGE: "wrong usage; nothing was sent",
    ExitCode.CREDENTIALS: "no credentials, or not accepted",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.RATE_LIMITED: "rate limited, or over quota",
    ExitCode.UNREACHABLE: "QStash unreachable, or too slow",
    ExitCode.NOT_VERIFIED: "a signature is not valid",
    ExitCode.NOT_DELIVERED: "a message was not delivered",
    ExitCode.DIFFERENCES: "plan --check found differences",
    ExitCode.PARTLY_DONE: "partly done: some was refused",
    ExitCode.WAIT_TIMED_OUT: "still waiting when time was up",
    ExitCode.INTERRUPTED: "interrupted, or not confirmed",
}
ENVIRONMENT = {
    "QSTASH_TOKEN": "the token",
    "QSTASH_URL": "the API's URL (default: EU)",
    "QSTASH_CURRENT_SIGNING_KEY": "for verify, sign, probe, replay",
    "QSTASH_NEXT_SIGNING_KEY": "for verify, sign, probe",
    "QSTASH_REGION": "US_EAST_1 or EU_CENTRAL_1: take the variables below",
    "US_EAST_1_QSTASH_TOKEN": "and _URL and the keys: of the US",
    "EU_CENTRAL_1_QSTASH_TOKEN": "and _URL and the keys: of the EU",
    "QSTASH_DEV": "true: talk to `qstash dev`",
    "QSTASH_DEV_PORT": "where `qstash dev` listens (8080)",
    "QSTASH_DEV_LOG_PORT": "where it listens for logs too",
    "QSTASH_DEV_QUOTA": "free, payg, fixed, pro: its limits",
    "QSTASH_PROFILE": "the profile to use",
    "QSTASH_CONFIG_DIR": "where config.toml is",
    "XDG_CACHE_HOME": "where completed values are kept",
    "HTTPS_PROXY": "also HTTP_PROXY, ALL_PROXY, NO_PROXY: HTTP proxies",
    "SSL_CERT_FILE": "also SSL_CERT_DIR: authorities to trust",
    "GITHUB_ACTIONS": "true: errors are annotations too",
    "GITHUB_OUTPUT": "where --github-output writes",
    "NO_COLOR": "no colours; so does TERM=dumb",
    "COLUMNS": "width of tables",
}


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
            "Flags win over these, and a named profile",
            "wins over all but flags.",
            "",
            "--env-file .env         these, from a file",
            "",
            "qstash config show      what is used, from where",
            "qstash doctor           is it right?",
        ]
    )


def _formatting() -> str:
    return """\
Data goes to stdout, messages go to stderr.
A terminal gets a table; a pipe gets
tab-separated values, or the id of what was
created.

-o json     QStash's own JSON
-o jsonl    one object per line, as they arrive
-o tsv      no header; tabs in values as \\t
-o csv      with a header
-o ids      only ids; same as -q
--query E   select from the JSON (JMESPath)
--columns   choose columns: --columns state,url
--wide      cut nothing in tables

qstash logs -o json --query '[].messageId'
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
    return "\n\n".join(["They may stand before or after the command.", *tables, examples])


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
}
