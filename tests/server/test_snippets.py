"""The commands and the code of the console publish the same message to the same server."""

from __future__ import annotations

import pytest

from qstash_cli.protocol.dev_credentials import DEV_URL, DEV_USER, DEV_USERS
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.server.console.snippets import Server, argument_of, server_flags, snippets

_HOOK = "http://127.0.0.1:3000/hook"
_SERVER = Server(DEV_URL, "--dev")


def test_the_command_publishes_to_this_server_and_not_to_the_users_account() -> None:
    usual = snippets(_SERVER, _HOOK, MessageOptions(), b"hi")

    assert usual.qstash == f"qstash publish {_HOOK} -d hi --dev"
    assert server_flags(DEV_URL, DEV_USER) == "--dev"
    other = "http://127.0.0.1:8099"
    assert server_flags(other, DEV_USER) == f'--api-url {other} --token "$QSTASH_TOKEN"'


def test_the_command_of_another_user_does_not_select_the_default_user() -> None:
    assert server_flags(DEV_URL, DEV_USERS[1]) == f'--api-url {DEV_URL} --token "$QSTASH_TOKEN"'


@pytest.mark.parametrize("body", [b"@/etc/hostname", b"-"])
def test_a_body_never_becomes_the_name_of_a_file(body: bytes) -> None:
    made = snippets(_SERVER, _HOOK, MessageOptions(), body)

    assert argument_of(body) == ""
    assert " -d " not in made.qstash
    assert "--data-binary" not in made.curl


def test_the_python_code_compiles_and_imports_what_it_uses() -> None:
    code = snippets(_SERVER, _HOOK, MessageOptions(), b"hi").python

    compile(code, "snippet", "exec")
    assert code.startswith("import os\n")
