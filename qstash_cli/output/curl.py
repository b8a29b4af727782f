"""Displays a request instead of sending it: as a curl command, text or a record."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.output.safe import UNSAFE, safe_text

Headers = Sequence[tuple[str, str]]

_MASKED = "Bearer …"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# Linux takes no argument of more than 128 KiB; the builtin printf has no such limit.
_MAX_ARGUMENT_BYTES = 100_000


def curl_command(
    method: str, url: str, headers: Headers, body: bytes, *, authorised: bool = True
) -> str:
    """A line for sh, bash or zsh that sends the request.

    It has `$QSTASH_TOKEN` for the token, unless the request is for somebody else than QStash.

    Raises `BadInput` for a header that HTTP cannot carry.
    """
    words = ["curl", "--head" if method == "HEAD" else f"-X {_quoted_if_safe(method)}"]
    words += ["--globoff", "--path-as-is", _quoted_if_safe(url)]
    if authorised:
        words.append('-H "Authorization: Bearer $QSTASH_TOKEN"')
    own = _own(headers) if authorised else headers
    words += [f"-H {_quoted_if_safe(_header_line(*header))}" for header in own]
    names = {name.lower() for name, _ in headers}
    if body and "content-type" not in names:
        # Else curl says that the body is a form.
        words.append("-H 'Content-Type:'")
    if not body:
        if method in _WITH_BODY and "content-length" not in names:
            words.append("-H 'Content-Length: 0'")
        return " ".join(words)
    if _fits_a_word(body):
        return " ".join([*words, "--data-binary", shlex.quote(body.decode())])
    return f"{_printf(body)} | {' '.join(words)} --data-binary @-"


def request_text(
    method: str, target: str, headers: Headers, body: bytes, *, authorised: bool = True
) -> str:
    """The request as HTTP writes it, without the token and safe for a terminal."""
    lines = [f"{method} {target}"]
    lines += [f"{name}: {value}" for name, value in _shown(headers, authorised=authorised)]
    head = "".join(f"{safe_text(line)}\n" for line in lines)
    if not body:
        return head
    text = _decoded(body)
    if text is None:
        return f"{head}\n({len(body)} bytes that are not text)\n"
    end = "" if text.endswith("\n") else "\n"
    return f"{head}\n{safe_text(text, keep_newlines=True)}{end}"


def request_record(
    method: str, url: str, headers: Headers, body: bytes, *, authorised: bool = True
) -> dict[str, Any]:
    """The request as JSON, without the token; a body that is not UTF-8 is in `bodyBase64`."""
    joined: dict[str, str] = {}
    for name, value in _shown(headers, authorised=authorised):
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    record: dict[str, Any] = {"method": method, "url": url, "headers": joined}
    text = _decoded(body)
    if text is None:
        import base64

        record["bodyBase64"] = base64.b64encode(body).decode()
    elif text:
        record["body"] = text
    return record


def _shown(headers: Headers, *, authorised: bool) -> Headers:
    """With the token masked, or just as they are where the request is not for QStash."""
    return [("Authorization", _MASKED), *_own(headers)] if authorised else headers


def _own(headers: Headers) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() != "authorization"]


def _decoded(body: bytes) -> str | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _header_line(name: str, value: str) -> str:
    if re.search(r"[\r\n\0]", name + value):
        raise BadInput(
            f"a header with a line break or NUL: {name!r}", hint="HTTP has no way to send it"
        )
    return f"{name}: {value}" if value.strip() else f"{name};"


def _fits_a_word(body: bytes) -> bool:
    text = _decoded(body)
    if text is None or len(body) > _MAX_ARGUMENT_BYTES or text.startswith("@"):
        return False
    return not re.search(UNSAFE, text.replace("\n", ""))


def _quoted_if_safe(text: str) -> str:
    # A tab or ESC in what is pasted would be obeyed by the shell's line editor.
    return (
        f'"$({_printf(text.encode(errors="replace"))})"'
        if re.search(UNSAFE, text)
        else shlex.quote(text)
    )


def _printf(data: bytes) -> str:
    # POSIX printf: three octal digits are a byte, and a leading hyphen could be an option.
    escaped = re.sub(r"[%\\]|[^ -~]", _printf_byte, data.decode("latin-1"))
    if escaped.startswith("-"):
        escaped = f"\\055{escaped[1:]}"
    return f"printf {shlex.quote(escaped)}"


def _printf_byte(found: re.Match[str]) -> str:
    byte = found[0]
    return 2 * byte if byte in "%\\" else f"\\{ord(byte):03o}"
