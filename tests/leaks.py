"""No run of `qstash` shows a token or key: looked for in what every run of the tests shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from urllib.parse import quote

from qstash_cli.protocol.dev_credentials import DEV_USERS

# Shorter ones may be words of the output.
_LEAST = 12
_NAMES = ("QSTASH_TOKEN", "SIGNING_KEY", "OTHER_TOKEN")
_PUBLIC = tuple(
    secret
    for user in DEV_USERS
    for secret in (user.token, user.current_signing_key, user.next_signing_key)
)
# Showing them is what these are for. `api` shows whatever a call answers, the keys among it.
_SHOWING = (("keys",), ("config", "env"), ("dev",), ("demo",), ("api",))


def leaked(argv: Sequence[str], env: Mapping[str, str], *texts: str) -> list[str]:
    """The secrets that a run had and shows though it must not."""
    words = tuple(word for word in argv if not word.startswith("-"))
    if any(words[: len(shown)] == shown for shown in _SHOWING):
        return []
    text = "\n".join(texts)
    return [one for one in _secrets(argv, env) if one in text or quote(one, safe="") in text]


def _secrets(argv: Sequence[str], env: Mapping[str, str]) -> set[str]:
    given = [after for flag, after in pairwise(argv) if flag == "--token"]
    named = [value.strip("\"' ") for name, value in env.items() if name.endswith(_NAMES)]
    return {one for one in (*given, *named, *_PUBLIC) if len(one) >= _LEAST}
