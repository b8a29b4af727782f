"""Detects tokens and keys in the output of every `qstash` run in the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from urllib.parse import quote

from qstash_cli.protocol.dev_credentials import DEV_USERS

# Shorter values may occur in the output by chance.
_MIN_LENGTH = 12
_NAMES = ("QSTASH_TOKEN", "SIGNING_KEY", "OTHER_TOKEN")
_PUBLIC = tuple(
    secret
    for user in DEV_USERS
    for secret in (user.token, user.current_signing_key, user.next_signing_key)
)
# Commands that print secrets on purpose. `api` prints any response, including keys.
_PRINTING = (("keys",), ("config", "env"), ("dev",), ("demo",), ("api",))


def leaked(argv: Sequence[str], env: Mapping[str, str], *texts: str) -> list[str]:
    """Returns the secrets of a run that appear in its output."""
    words = tuple(word for word in argv if not word.startswith("-"))
    if any(words[: len(command)] == command for command in _PRINTING):
        return []
    text = "\n".join(texts)
    return [one for one in _secrets(argv, env) if one in text or quote(one, safe="") in text]


def _secrets(argv: Sequence[str], env: Mapping[str, str]) -> set[str]:
    given = [after for flag, after in pairwise(argv) if flag == "--token"]
    named = [value.strip("\"' ") for name, value in env.items() if name.endswith(_NAMES)]
    return {one for one in (*given, *named, *_PUBLIC) if len(one) >= _MIN_LENGTH}
