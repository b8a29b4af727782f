"""The reference of exit codes and of the codes of errors in JSON."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generate.markdown import code, page, prose, table
from qstash_cli.commands.help.topics import EXIT_CODES
from qstash_cli.errors import QstashError


def exit_codes() -> str:
    """Returns the page."""
    errors = sorted(
        {(one.exit_code, one.code, _sentence(one)) for one in _errors() if "code" in vars(one)}
    )
    return page(
        "Exit codes",
        "Decide in a script what to do after a command, by its exit code or by the `code` of a "
        "JSON error.",
        table(
            ("Exit code", "Meaning"),
            [(code(str(int(number))), prose(text)) for number, text in EXIT_CODES.items()],
        ),
        "`dev -- COMMAND` exits with the code of its command, and `check -o nagios` with the codes "
        "of a Nagios plugin.",
        "## Errors as JSON",
        "With `-o json` or `-o jsonl`, an error is an object on standard error with the keys "
        "`code`, `message`, `status` and `hint`. `status` is the HTTP status of QStash's response, "
        "or null.",
        table(
            ("`code`", "Exit code", "Meaning"),
            [(code(name), code(str(int(number))), text) for number, name, text in errors],
        ),
    )


def _errors() -> Iterator[type[QstashError]]:
    yield QstashError
    yield from QstashError.__subclasses__()


def _sentence(error: type[QstashError]) -> str:
    if error is QstashError:
        return "QStash refused the request, or another failure"
    return prose((error.__doc__ or "").partition(".")[0])
