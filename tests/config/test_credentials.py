"""The priority of credential sources, and that URL and token come from the same source."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from qstash_cli.config.credentials import (
    Settings,
    base_url,
    mask,
    resolve,
)
from qstash_cli.config.environment import Environment
from qstash_cli.config.profiles import Profile, Profiles
from qstash_cli.config.signing_keys import signing_keys
from qstash_cli.config.sources import ConnectionFlags
from qstash_cli.errors import BadCredentials, BadInput, QstashError
from qstash_cli.protocol.dev_credentials import DEV_USER

EU = "https://qstash.upstash.io"
US = "https://qstash-us-east-1.upstash.io"
DEV = "http://127.0.0.1:8080"
PROFILES = Profiles(
    default="prod",
    profiles={
        "prod": Profile(name="prod", token="prod-token", plan="payg"),
        "us": Profile(name="us", api_url=US, token_env="US_TOKEN"),
        "op": Profile(name="op", token_command=("op", "read")),
        "empty": Profile(name="empty"),
    },
)
REGION = {
    "QSTASH_REGION": "us-east-1",
    "US_EAST_1_QSTASH_URL": US,
    "US_EAST_1_QSTASH_TOKEN": "region-token",
}
PLAIN = {"QSTASH_TOKEN": "env-token"}


def run_command(command: Sequence[str]) -> str:
    assert tuple(command) == ("op", "read")
    return "printed-token\n"


def resolved(env: Mapping[str, str] = PLAIN, **given: Any) -> Settings:
    return resolve(ConnectionFlags(**given), env, PROFILES, run_command)


@dataclass
class Case:
    url: str
    token: str
    source: str
    env: dict[str, str] = field(default_factory=dict)
    given: dict[str, object] = field(default_factory=dict)


EVERYTHING = REGION | PLAIN | {"QSTASH_PROFILE": "us", "US_TOKEN": "us-token"}
WINS = {
    "flag over everything": Case(
        US, "t", "--token", EVERYTHING | {"QSTASH_DEV": "1"},
        {"token": "t", "api_url": US, "profile": "prod", "dev": True},
    ),
    "a token alone is for the default URL": Case(
        EU, "t", "--token", {"QSTASH_URL": US}, {"token": "t"}
    ),
    "profile over dev": Case(
        EU, "prod-token", "profile prod", EVERYTHING | {"QSTASH_DEV": "true"}, {"profile": "prod"}
    ),
    "dev flag": Case(DEV, DEV_USER.token, "the development server", EVERYTHING, {"dev": True}),
    "dev variable": Case(
        "http://127.0.0.1:9000", DEV_USER.token, "the development server",
        EVERYTHING | {"QSTASH_DEV": "true", "QSTASH_DEV_PORT": "9000"},
    ),
    "region": Case(US, "region-token", "US_EAST_1_QSTASH_TOKEN", EVERYTHING),
    "variables": Case(US, "env-token", "QSTASH_TOKEN", PLAIN | {"QSTASH_URL": f"{US}/"}),
    "variables without a URL": Case(EU, "env-token", "QSTASH_TOKEN", PLAIN),
    "named profile": Case(
        US, "us-token", "profile us", {"QSTASH_PROFILE": "us", "US_TOKEN": "us-token"}
    ),
    "default profile": Case(EU, "prod-token", "profile prod"),
    "token command": Case(EU, "printed-token", "profile op", {}, {"profile": "op"}),
    "a URL on this machine": Case(
        "http://localhost:7000", DEV_USER.token, "the development server", PLAIN,
        {"api_url": "http://localhost:7000/"},
    ),
    "a URL that is the source's own": Case(EU, "env-token", "QSTASH_TOKEN", PLAIN, {"api_url": EU}),
}  # fmt: skip


@pytest.mark.parametrize("case", WINS.values(), ids=list(WINS))
def test_one_source_supplies_both(case: Case) -> None:
    settings = resolved(case.env, **case.given)

    assert (settings.api_url, settings.token, settings.source) == (
        case.url, case.token, case.source
    )  # fmt: skip
    assert settings.is_local == ("127.0.0.1" in case.url or "localhost" in case.url)


REFUSED: dict[str, tuple[dict[str, str], dict[str, object], type[QstashError], str]] = {
    "a foreign URL": (PLAIN, {"api_url": US}, BadCredentials, "belongs to https://qstash.upstash.io"),
    "no such profile": ({}, {"profile": "nope"}, BadCredentials, "profile not found: nope"),
    "a profile without a token": ({}, {"profile": "empty"}, BadCredentials, "no token: empty"),
    "a variable that is not set": ({}, {"profile": "us"}, BadCredentials, "US_TOKEN"),
    "a signing key": ({"QSTASH_TOKEN": "sig_123"}, {}, BadCredentials, "signing key"),
    "a token with spaces": ({"QSTASH_TOKEN": "a b"}, {}, BadCredentials, "spaces"),
    "an odd QSTASH_DEV": ({"QSTASH_DEV": "maybe"}, {}, BadInput, "QSTASH_DEV"),
    "a publish URL": (PLAIN | {"QSTASH_URL": f"{EU}/v2/publish/"}, {}, BadInput, "/v2/publish"),
    "no scheme": (PLAIN | {"QSTASH_URL": "qstash.upstash.io"}, {}, BadInput, "qstash.upstash.io"),
    "plain http": (PLAIN | {"QSTASH_URL": "http://a.example"}, {}, BadInput, "unencrypted"),
    "a password in the URL": (PLAIN | {"QSTASH_URL": "https://u:p@a.io"}, {}, BadInput, "password"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_unusable_credentials_are_refused_without_printing_them(
    case: tuple[dict[str, str], dict[str, object], type[QstashError], str],
) -> None:
    env, given, kind, words = case

    with pytest.raises(kind) as refused:
        resolved(env, **given)

    assert words in refused.value.message
    for secret in ("env-token", "sig_123", "u:p@"):
        assert secret not in refused.value.message + refused.value.hint


def test_without_configuration_the_hint_names_commands_that_need_none() -> None:
    with pytest.raises(BadCredentials) as refused:
        resolve(ConnectionFlags(), {}, Profiles(), run_command)

    assert "qstash demo" in refused.value.hint


def test_surrounding_quotes_and_spaces_are_removed_with_a_warning() -> None:
    settings = resolved({"QSTASH_TOKEN": " 'abc' \n", "QSTASH_URL": f'"{US}"'})

    assert (settings.token, settings.api_url) == ("abc", US)
    assert len(settings.warnings) == 2
    assert "abc" not in "".join(settings.warnings)


def test_a_region_without_its_variables_is_ignored_with_a_warning() -> None:
    settings = resolved(PLAIN | {"QSTASH_REGION": "US_EAST_1"})

    assert settings.source == "QSTASH_TOKEN"
    assert "US_EAST_1_QSTASH_URL" in settings.warnings[0]


def test_a_failed_token_command_is_named_without_its_output() -> None:
    def fail(command: Sequence[str]) -> str:
        raise subprocess.CalledProcessError(3, list(command), "half a secret")

    with pytest.raises(BadCredentials) as refused:
        resolve(ConnectionFlags(profile="op"), {}, PROFILES, fail)

    assert refused.value.message == "the token command of profile op exited with 3: op"


def test_the_url_does_not_require_a_token() -> None:
    assert base_url(ConnectionFlags(), {}, Profiles()) == EU
    assert base_url(ConnectionFlags(profile="us"), {}, PROFILES) == US
    assert base_url(ConnectionFlags(api_url=US), PLAIN, PROFILES) == US


def test_signing_keys_have_the_same_priority() -> None:
    env = {"QSTASH_CURRENT_SIGNING_KEY": "'sig_env'", "QSTASH_NEXT_SIGNING_KEY": "sig_env2"}
    region = {"QSTASH_REGION": "US_EAST_1", "US_EAST_1_QSTASH_CURRENT_SIGNING_KEY": "sig_us"}
    profiles = Profiles(default="a", profiles={"a": Profile(name="a", current_signing_key="sig_a")})

    def current(env: Mapping[str, str], **given: Any) -> str | None:
        return signing_keys(ConnectionFlags(**given), env, profiles).current

    assert current(env | region, profile="a") == "sig_a"
    assert current(env | region, dev=True) == DEV_USER.current_signing_key
    assert current(env | region) == "sig_us"
    assert current(env) == "sig_env"
    assert current({}) == "sig_a"
    assert signing_keys(ConnectionFlags(), {}, Profiles()).current is None


def test_a_mask_reveals_little() -> None:
    assert mask("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r") == "sig_…6r"
    assert mask("short") == "…"


def test_secrets_are_not_in_representations() -> None:
    keys = signing_keys(ConnectionFlags(dev=True), {}, Profiles())

    assert "env-token" not in repr(resolved(PLAIN))
    assert DEV_USER.current_signing_key not in repr(keys)
    assert "prod-token" not in repr(PROFILES)


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "8080x", "²", "9" * 5000, "80 80"])
@pytest.mark.parametrize("name", ["QSTASH_DEV_PORT", "QSTASH_DEV_LOG_PORT"])
def test_an_invalid_port_is_refused_by_name(name: str, value: str) -> None:
    variables = Environment({name: value})

    with pytest.raises(BadInput, match=f"{name} is not a port: ") as refused:
        _ = variables.dev_port if name == "QSTASH_DEV_PORT" else variables.dev_log_port

    assert refused.value.hint == "set it to a number from 1 to 65535, or unset it"


@pytest.mark.parametrize("value", ["gold", "FREE", "payg,pro"])
def test_an_unknown_plan_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadInput, match="QSTASH_DEV_QUOTA is not a plan") as refused:
        _ = Environment({"QSTASH_DEV_QUOTA": value}).dev_quota

    assert refused.value.hint == "use one of none, free, payg, fixed, pro"
