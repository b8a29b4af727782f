"""A message as the commands and the code that would publish it again. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qstash_cli.protocol.dev_credentials import DEV_URL, DEV_USER, Credentials
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import (
    CALLBACK_FAMILIES,
    MessageOptions,
    Option,
    flag_name,
    table,
)
from qstash_cli.protocol.value_types import SWITCH
from qstash_cli.server.console import sdk_snippets

# Linux takes no argument of more than 128 KiB.
MAX_BODY_BYTES = 65_536


class Server(NamedTuple):
    """The URL of a server, and the options that select it and a user, see `server_flags`."""

    url: str
    flags: str


class Snippets(NamedTuple):
    """The same publish for a terminal and for both SDKs."""

    qstash: str
    curl: str
    python: str
    typescript: str


def server_flags(url: str, user: Credentials | None) -> str:
    """Returns the options that select a server and a user of it, on the command line.

    Without them, a command would use the reader's own account.
    """
    if url == DEV_URL and user == DEV_USER:
        return "--dev"
    return f'--api-url {shlex.quote(url)} --token "$QSTASH_TOKEN"'


def snippets(server: Server, destination: str, options: MessageOptions, body: bytes) -> Snippets:
    """Returns the snippets of a publish to a server.

    Leaves out a body that is not text, is too long for a command line, or names a file there.
    """
    text = argument_of(body)
    return Snippets(
        qstash=_qstash(server.flags, destination, options, text),
        curl=_curl(server.url, destination, options, text),
        python=sdk_snippets.python(destination, options, text),
        typescript=sdk_snippets.typescript(destination, options, text),
    )


def text_of(body: bytes) -> str:
    """Returns a body as text, empty if it is not text or too long."""
    if len(body) > MAX_BODY_BYTES:
        return ""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return ""


def argument_of(body: bytes) -> str:
    """Returns a body as an argument of a command, empty if it cannot be one.

    `qstash publish -d` and curl read a file or standard input for `@...` and `-`.
    """
    text = text_of(body)
    return "" if text.startswith("@") or text == "-" else text


def _qstash(flags: str, destination: str, options: MessageOptions, body: str) -> str:
    own = [one for one in table() if "publish" in one[1].on]
    words = ["qstash", "publish", destination, *_flags(options, own, "")]
    for name, value in options.headers:
        words += ["-H", f"{name}: {value}"]
    for family in CALLBACK_FAMILIES:
        given: MessageOptions | None = getattr(options, family.field)
        if given is not None:
            prefix = f"{family.prefix}-"
            words += _flags(given, [one for one in table() if one[1].callback], prefix)
            for name, value in given.headers:
                words += [f"--{prefix}header", f"{name}: {value}"]
    command = shlex.join([*words, *(["-d", body] if body else [])])
    return f"{command} {flags}"


def _flags(
    options: MessageOptions, known: Iterable[tuple[str, Option]], prefix: str
) -> Iterator[str]:
    for name, option in known:
        value = getattr(options, name)
        if value is None or value in ((), False):
            continue
        flag = f"--{prefix}{flag_name(name)}"
        if option.kind is SWITCH:
            yield flag
            continue
        for text in map(str, value) if option.kind.repeats else (option.kind.encode(value),):
            yield from (flag, text)


def _curl(url: str, destination: str, options: MessageOptions, body: str) -> str:
    words = ["curl", "-X", "POST", f"{url}/v2/publish/{destination}"]
    parts = [shlex.join(words), '-H "Authorization: Bearer $QSTASH_TOKEN"']
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in encode(options)]
    parts += [f"--data-binary {shlex.quote(body)}"] if body else []
    return " \\\n  ".join(parts)
