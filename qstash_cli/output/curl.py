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
# Linux limits an argument to 128 KiB; the builtin printf has no such limit.
_MAX_ARGUMENT_BYTES = 100_000


def curl_command(
    method: str, url: str, headers: Headers, body: bytes, *, authorised: bool = True
) -> str:
    """Returns a command line for sh, bash or zsh that sends the request.

    The token is `$QSTASH_TOKEN`, unless the request is not for QStash.

    Raises `BadInput` for a header that HTTP cannot express.
    """
    words = ["curl", "--head" if method == "HEAD" else f"-X {_quoted_if_safe(method)}"]
    words += ["--globoff", "--path-as-is", _quoted_if_safe(url)]
    if authorised:
        words.append('-H "Authorization: Bearer $QSTASH_TOKEN"')
    own = _own(headers) if authorised else headers
    words += [f"-H {_quoted_if_safe(_header_line(*header))}" for header in own]
    names = {name.lower() for name, _ in headers}
    if body and "content-type" not in names:
        # Without this header, curl declares the body as a form.
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
    """Returns the request in the syntax of HTTP, without the token and safe for a terminal."""
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
    """Returns the request as JSON, without the token. `bodyBase64` is a body that is not UTF-8."""
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
    """Masks the token. Headers of requests that are not for QStash are unchanged."""
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
    # The line editor of the shell would interpret a pasted tab or ESC.
    return (
        f'"$({_printf(text.encode(errors="replace"))})"'
        if re.search(UNSAFE, text)
        else shlex.quote(text)
    )


def _printf(data: bytes) -> str:
    # In POSIX printf, three octal digits are a byte, and a leading hyphen could be an option.
    escaped = re.sub(r"[%\\]|[^ -~]", _printf_byte, data.decode("latin-1"))
    if escaped.startswith("-"):
        escaped = f"\\055{escaped[1:]}"
    return f"printf {shlex.quote(escaped)}"


def _printf_byte(found: re.Match[str]) -> str:
    byte = found[0]
    return 2 * byte if byte in "%\\" else f"\\{ord(byte):03o}"
