"""The words of the command line, and one run of it from arguments to exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from qstash_cli.errors import BadInput, ExitCode, QstashError
from qstash_cli.invocation import Invocation, Preview
from qstash_cli.output.result import Result

if TYPE_CHECKING:
    from qstash_cli.commands._root import LazyRoot
    from qstash_cli.commands._signature import Word

COMMANDS = (
    ("publish", "publish", "Send a message"),
    ("batch", "batch", "Publish the records of a file, many at once"),
    ("message", "message", "Look at messages on their way, cancel them, wait for them"),
    ("logs", "logs", "What happened to messages"),
    ("schedule", "schedule", "Schedules: publish again and again"),
    ("urlgroup", "urlgroup", "URL groups: send one message to many endpoints"),
    ("queue", "queue", "Queues: deliver in order, so many at a time"),
    ("flow", "flow", "Flow control: rate and parallelism of a key"),
    ("dlq", "dlq", "The dead letter queue: messages that ended undelivered"),
    ("replay", "replay", "Deliver a DLQ entry or a message from this machine"),
    ("check", "check", "DLQ depth, queue lag, failed schedules as an exit code"),
    ("keys", "keys", "The signing keys of the account"),
    ("verify", "verify", "Check a signature, offline"),
    ("sign", "sign", "Sign a request as QStash does, for tests"),
    ("probe", "probe", "Does an endpoint refuse what is not from QStash?"),
    ("listen", "listen", "A local endpoint that shows and checks what it receives"),
    ("retries", "retries", "When each attempt of a message would happen"),
    ("plan", "plan", "What `apply` would change, for CI"),
    ("apply", "apply", "Make the account what a manifest says"),
    ("export", "export", "Write a manifest of what the account has"),
    ("api", "api", "Any call of the API"),
    ("config", "config", "Profiles: which QStash to talk to, and as whom"),
    ("doctor", "doctor", "What is wrong between this machine and QStash"),
    ("dev", "dev", "The embedded QStash server"),
    ("demo", "demo", "See everything work, on this machine alone"),
    ("completion", "completion", "Completion for your shell"),
    ("help", "help", "Topics: exit-codes, environment, formatting, retries"),
)
_MODULES = {word: f"qstash_cli.commands.{module}" for word, module, _ in COMMANDS}
_HELPS = {word: text for word, _, text in COMMANDS}
# What the API calls a topic is a URL group everywhere else.
_OTHER_NAMES = {"topic": "urlgroup"}


def word_of(name: str) -> Word:
    """A word of the command line, from its module."""
    word: Word = import_module(_MODULES[name]).app
    return word


def load(name: str) -> Any:
    """A word as Typer's command."""
    from qstash_cli.commands._typer import built

    loaded = built(word_of(name))
    loaded.name = name
    return loaded


def root() -> LazyRoot:
    """The root of the command line as Typer's command."""
    from qstash_cli.commands import _root

    return _root.root(_HELPS, load, _OTHER_NAMES)


def run(argv: Sequence[str], inv: Invocation) -> int:
    """Runs the command line and returns its exit code."""
    if "_QSTASH_COMPLETE" in inv.env:
        from qstash_cli.commands._complete import answer
        from qstash_cli.commands._offered import Words

        answer(inv, Words(helps=_HELPS, other_names=_OTHER_NAMES, load=word_of))
        inv.out.flush()
        return ExitCode.DONE
    try:
        code = _run(argv, inv)
        inv.out.flush()
    except BrokenPipeError:
        _discard_output()
        return ExitCode.DONE
    except KeyboardInterrupt:
        inv.err.write("\n")
        return ExitCode.INTERRUPTED
    except QstashError as error:
        return _fail(argv, inv, error)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it ends with a message and a code
        return _fail(argv, inv, _defect(fault, inv))
    finally:
        inv.close()
    return code


def _defect(fault: Exception, inv: Invocation) -> QstashError:
    # What the fault says may be anything, a secret too.
    # An answer of another shape than QStash's is nobody's defect here.
    doubt = f"is {inv.settings.api_url} QStash's API? " if "client" in vars(inv) else ""
    error = QstashError(
        f"something unexpected happened: {type(fault).__name__}",
        hint=f"{doubt}--debug shows where; a report of it is welcome",
    )
    error.__cause__ = fault
    return error


def _run(argv: Sequence[str], inv: Invocation) -> int:
    try:
        result = _result(_plain(argv), inv)
    except Preview as preview:
        from qstash_cli.commands._preview import show

        result = show(inv, preview.request)
    except QstashError:
        raise
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            inv.err.write(f"{_told(error)}\n")
            return ExitCode.USAGE
        raise _usage(error, argv) from error
    if not isinstance(result, Result):
        if result == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        return int(result or 0)
    try:
        _show(result, inv)
    except Preview as preview:
        from qstash_cli.commands._preview import show

        _render(show(inv, preview.request), inv)
    if result.footer is not None and (text := result.footer()):
        inv.note(text)
    failure = result.verdict() if result.verdict is not None else result.failure
    if failure is not None:
        raise failure
    return result.exit_code


def _result(argv: list[str], inv: Invocation) -> Any:
    name = _OTHER_NAMES.get(argv[0], argv[0]) if argv else ""
    if name in _MODULES:
        from qstash_cli.commands._quick import read
        from qstash_cli.commands._signature import execute

        called = read(word_of(name), argv[1:])
        if called is not None:
            verb, values = called
            return execute(verb, inv, values)
    return root().main(args=argv, prog_name="qstash", standalone_mode=False, obj=inv)


def _plain(argv: Sequence[str]) -> list[str]:
    """`help COMMAND` as `COMMAND --help`, everything else as it is."""
    word, *rest = argv or [""]
    if word == "help" and rest and rest[0] in _MODULES:
        from qstash_cli.commands._topics import TOPICS

        if rest[0] not in TOPICS:
            return [*rest, "--help"]
    return list(argv)


def _show(result: Result, inv: Invocation) -> None:
    """Renders the result, and gives its ids to the step of GitHub Actions that wants them."""
    if inv.automation.github_output is None:
        _render(result, inv)
        return
    from qstash_cli.commands import _github
    from qstash_cli.output.formats import noting_ids

    noted: list[str] = []
    try:
        _render(noting_ids(result, noted), inv)
    finally:
        _github.write_output(inv, noted)


def _render(result: Result, inv: Invocation) -> None:
    from qstash_cli.output.formats import render

    flags = inv.output
    render(
        result,
        format=flags.format,
        query=flags.query,
        columns=flags.columns,
        out=inv.out,
        look=inv.look(),
    )
    inv.out.flush()


def _usage(error: Exception, argv: Sequence[str]) -> Exception:
    # Typer's own classes have moved between its versions; what they have did not.
    if not hasattr(error, "format_message"):
        return error
    context = getattr(error, "ctx", None)
    called = " ".join(["qstash", *(word for word in argv[:1] if word in _MODULES)])
    path = context.command_path if context is not None else called
    message = _told(error).rstrip(".")
    return BadInput(message[:1].lower() + message[1:], hint=f"`{path} --help` shows the usage")


def _told(error: Exception) -> str:
    told: str = cast("Any", error).format_message()
    return told


def _fail(argv: Sequence[str], inv: Invocation, error: QstashError) -> int:
    from qstash_cli.commands._github import annotate
    from qstash_cli.output.failure import write_failure

    if inv.output.debug or "--debug" in argv:
        shown = _safe_traceback(error)
        inv.err.write(inv.client.masked(shown) if "client" in vars(inv) else shown)
    wants_json = inv.output.format in {"json", "jsonl"} or _asks_for_json(argv)
    try:
        inv.out.flush()
        write_failure(error, as_json=wants_json, err=inv.err, colour=inv.look_of_stderr().colour)
        annotate(inv, error)
    except BrokenPipeError:
        _discard_output()
    return error.exit_code


def _safe_traceback(error: Exception) -> str:
    # Frames begin with blanks, the words between two faults with a line feed. What is left are the
    # messages, which hold texts of QStash.
    import traceback

    from qstash_cli.output.safe import safe_text

    return "".join(
        f"{safe_text(part.removesuffix(chr(10)), keep_newlines=part[0].isspace())}\n"
        for part in traceback.format_exception(error)
    )


def _asks_for_json(argv: Sequence[str]) -> bool:
    return "--json" in argv or any(
        name in {"-o", "--output"} and value in {"json", "jsonl"} for name, value in pairwise(argv)
    )


def _discard_output() -> None:
    # Python flushes standard output once more at the end, and would complain then.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
