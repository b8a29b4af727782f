"""A message as the commands and the code that would publish it again. Pure.

Source of the SDKs' names: QStash docs, "Publish a message", and the READMEs of both SDKs.
"""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple

from qstash_cli.protocol.dev_credentials import DEV_URL, DEV_USER, Credentials
from qstash_cli.protocol.durations import format_duration
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions, flag_name, table
from qstash_cli.protocol.value_types import DURATIONS, SWITCH

# Linux takes no argument of more than 128 KiB.
MAX_BODY_BYTES = 65_536
_PYTHON_NAMES = {
    "delay_s": "delay",
    "timeout_s": "timeout",
    "dedup_id": "deduplication_id",
    "dedup_content": "content_based_deduplication",
}
_SDK_OPTIONS = (
    "method", "delay_s", "timeout_s", "retries", "retry_delay", "callback", "failure_callback",
    "dedup_id", "dedup_content", "label",
)  # fmt: skip


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
        python=_python(destination, options, text),
        typescript=_typescript(destination, options, text),
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
    words = ["qstash", "publish", destination]
    for name, option in table():
        value = getattr(options, name)
        if value is None or value in ((), False) or "publish" not in option.on:
            continue
        flag = f"--{flag_name(name)}"
        if option.kind is SWITCH:
            words.append(flag)
        elif option.kind.repeats:
            words += [part for one in value for part in (flag, str(one))]
        else:
            words += [flag, option.kind.encode(value)]
    for name, value in options.headers:
        words += ["-H", f"{name}: {value}"]
    command = shlex.join([*words, *(["-d", body] if body else [])])
    return f"{command} {flags}"


def _curl(url: str, destination: str, options: MessageOptions, body: str) -> str:
    words = ["curl", "-X", "POST", f"{url}/v2/publish/{destination}"]
    parts = [shlex.join(words), '-H "Authorization: Bearer $QSTASH_TOKEN"']
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in encode(options)]
    parts += [f"--data-binary {shlex.quote(body)}"] if body else []
    return " \\\n  ".join(parts)


def _python(destination: str, options: MessageOptions, body: str) -> str:
    arguments: dict[str, Any] = {"url": destination}
    arguments |= {_PYTHON_NAMES.get(n, n): v for n, v in _sdk_options(options).items()}
    if options.headers:
        arguments["headers"] = dict(options.headers)
    parsed = _parsed(body)
    if body:
        arguments["body"] = body if parsed is None else parsed
    method = "publish" if parsed is None else "publish_json"
    lines = [f"    {name}={value!r}," for name, value in arguments.items()]
    return "\n".join(
        [
            "import os",
            "",
            "from qstash import QStash",
            "",
            'client = QStash(os.environ["QSTASH_TOKEN"], base_url=os.environ["QSTASH_URL"])',
            f"client.message.{method}(",
            *lines,
            ")",
        ]
    )


def _typescript(destination: str, options: MessageOptions, body: str) -> str:
    arguments: dict[str, Any] = {"url": destination}
    arguments |= {_camel(_PYTHON_NAMES.get(n, n)): v for n, v in _sdk_options(options).items()}
    if options.headers:
        arguments["headers"] = dict(options.headers)
    parsed = _parsed(body)
    if body:
        arguments["body"] = body if parsed is None else parsed
    method = "publish" if parsed is None else "publishJSON"
    code = json.dumps(arguments, indent=2, ensure_ascii=False)
    return "\n".join(
        [
            'import { Client } from "@upstash/qstash"',
            "",
            "const client = new Client({",
            "  baseUrl: process.env.QSTASH_URL,",
            "  token: process.env.QSTASH_TOKEN,",
            "})",
            f"await client.{method}({code})",
        ]
    )


def _sdk_options(options: MessageOptions) -> dict[str, Any]:
    kinds = {name: option.kind for name, option in table()}
    found: dict[str, Any] = {}
    for name in _SDK_OPTIONS:
        value = getattr(options, name)
        if value is None or value == ():
            continue
        if kinds[name] in DURATIONS:
            value = format_duration(value)
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
