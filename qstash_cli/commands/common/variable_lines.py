"""The variables that configure a QStash server, and lines that set them in files and shells."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from qstash_cli.protocol.dev_credentials import Credentials

CURRENT_KEY = "QSTASH_CURRENT_SIGNING_KEY"
NEXT_KEY = "QSTASH_NEXT_SIGNING_KEY"
NAMES = ("QSTASH_URL", "QSTASH_TOKEN", CURRENT_KEY, NEXT_KEY)
# Every reader of such a file takes these characters literally, without quotes.
_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


def variables(
    url: str, token: str, current_key: str | None, next_key: str | None
) -> dict[str, str | None]:
    """Returns the variables that the SDKs and `qstash` read, with None for unknown values."""
    return dict(zip(NAMES, (url, token, current_key or None, next_key or None), strict=True))


def server_variables(url: str, credentials: Credentials) -> dict[str, str]:
    """Returns the variables with which the SDKs and `qstash` connect to an embedded server."""
    found = variables(
        url, credentials.token, credentials.current_signing_key, credentials.next_signing_key
    )
    return {name: value for name, value in found.items() if value is not None}


def shell_lines(values: Mapping[str, str | None]) -> list[str]:
    """Returns lines for a POSIX shell.

    Variables without a value are unset, to remove older values.
    """
    return [
        f"unset {name}" if value is None else f"export {name}={_shell_quoted(value)}"
        for name, value in values.items()
    ]


def dotenv_lines(values: Mapping[str, str | None]) -> list[str]:
    """Returns the lines of a `.env` file for the variables with a value."""
    return [f"{name}={_dotenv_quoted(v)}" for name, v in values.items() if v is not None]


def fits_in_dotenv(value: str | None) -> bool:
    r"""Returns whether `.env` readers restore the value; a final `\'` is read as a quote."""
    return value is None or bool(_PLAIN.fullmatch(value)) or not value.endswith("\\")


def _shell_quoted(value: str) -> str:
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{quoted}'"


def _dotenv_quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"
