from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Qstash

TOKEN = "a-token-that-nobody-may-see"
KEYS = b"sig_current_key_of_a_test\nsig_next_key_of_a_test\n"


def test_a_profile_is_stored_shown_masked_used_and_removed(qstash: Qstash) -> None:
    made = qstash("config", "set", "prod", "--token-stdin", stdin=TOKEN.encode())
    qstash("config", "set", "us", "--token-env", "US", "--api-url", "https://us.example")
    keys = qstash("config", "set", "prod", "--keys-stdin", stdin=KEYS)

    assert (made.code, made.out, keys.code) == (0, "prod\n", 0)
    listed = qstash("config", "list", "--columns", "name,default,token")
    assert listed.out == "prod\ttrue\ta-to…ee\nus\tfalse\tfrom $US\n"
    shown = qstash("config", "show", "prod")
    assert shown.json["token"] == "a-to…ee"
    assert TOKEN not in shown.out + made.err + listed.out
    assert "sig_current_key" not in shown.out
    assert qstash("config", "use", "us").code == 0
    assert qstash("config", "show").json["name"] == "us"
    assert qstash("config", "remove", "us", "--yes").code == 0
    assert qstash("config", "list", "-q").out == "prod\n"
    assert qstash("config", "path").out == f"{qstash.home}/config.toml\n"


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("show",), 4, "no default profile"),
        (("show", "nope"), 4, "no profile nope"),
        (("use", "nope"), 4, "nope"),
        (("remove", "nope", "--yes"), 4, "no profile nope"),
        (("set", "prod"), 2, "the token of prod is empty"),
        (("set", "prod", "--plan", "gold"), 2, "not a plan: 'gold'"),
    ],
)
def test_mistakes_are_told(qstash: Qstash, argv: tuple[str, ...], code: int, words: str) -> None:
    run = qstash("config", *argv)

    assert (run.code, words in run.err) == (code, True), run


def test_a_stored_profile_is_what_commands_use(local: Qstash) -> None:
    env: dict[str, Any] = {"QSTASH_TOKEN": "", "QSTASH_URL": ""}
    url, token = local.env["QSTASH_URL"], local.env["QSTASH_TOKEN"]
    local("config", "set", "here", "--token-stdin", "--api-url", url, stdin=token.encode(), **env)

    assert local("logs", **env).code == 0
    assert local("keys", "get", "-p", "here", "--query", "current", **env).code == 0
