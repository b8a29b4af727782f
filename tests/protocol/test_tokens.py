from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.tokens import (
    is_token_shaped,
    looks_like_redis_token,
    mistaken_for_token,
)


@given(user=st.text(), password=st.text(), is_padded=st.booleans())
def test_a_real_token_is_not_mistaken_for_anything_else(
    user: str, password: str, *, is_padded: bool
) -> None:
    token = b64encode(json.dumps({"UserID": user, "Password": password}).encode()).decode()
    token = token if is_padded else token.rstrip("=")

    assert is_token_shaped(token)
    assert mistaken_for_token(token) is None
    assert not looks_like_redis_token(token)


@pytest.mark.parametrize("text", ["", "abc", "ée", "e30=", "W10=", "MQ==", "sig_x", "{}"])
def test_other_text_does_not_have_the_format_of_a_token(text: str) -> None:
    assert not is_token_shaped(text)


def test_the_tokens_of_the_development_server_are_tokens() -> None:
    assert mistaken_for_token(DEV_USER.token) is None
    assert is_token_shaped(DEV_USER.token)


def test_a_redis_token_is_recognised_by_its_bytes() -> None:
    assert looks_like_redis_token(b64encode(b"\x01\x75" + b"a" * 40).decode())
    assert not looks_like_redis_token(b64encode(b"\x01\x75").decode())
