"""Which QStash to talk to, and as whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qstash_cli.config.environment import Environment
from qstash_cli.config.profiles import Profiles
from qstash_cli.config.sources import ConnectionFlags, RunCommand, Source, paired, sources
from qstash_cli.config.urls import DEFAULT_URL, validate_url
from qstash_cli.errors import BadCredentials
from qstash_cli.protocol.destination import is_loopback

_SHORTEST_MASKED = 16


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where to send requests and as whom. `source` names who said so, `profile` if it was one."""

    api_url: str
    token: str = field(repr=False)
    source: str
    profile: str | None = None
    warnings: tuple[str, ...] = ()
    plan: str | None = None
    protected: bool = False
    is_local: bool = False


def resolve(
    given: ConnectionFlags, env: Mapping[str, str], profiles: Profiles, run_command: RunCommand
) -> Settings:
    """The settings of the first source that has any.

    Raises `BadCredentials` if there is none, or if its token is not to be had or cannot be one,
    and `BadInput` for a URL that no token may be sent to.
    """
    variables = given.environment(env)
    source = chosen(given, variables, profiles, run_command)
    api_url = validate_url(source.api_url, insecure=given.insecure)
    profile = source.profile
    return Settings(
        api_url=api_url,
        token=_validated_token(source.token(), source.token_from),
        source=source.name,
        profile=profile.name if profile else None,
        warnings=tuple(variables.warnings),
        plan=profile.plan if profile else None,
        protected=profile.protected if profile else False,
        is_local=is_loopback(api_url),
    )


def chosen(
    given: ConnectionFlags, env: Environment, profiles: Profiles, run_command: RunCommand
) -> Source:
    """The source that is used. Raises `BadCredentials` if there is none."""
    return paired(given, next(sources(given, env, profiles, run_command), None))


def base_url(given: ConnectionFlags, env: Mapping[str, str], profiles: Profiles) -> str:
    """The API's URL alone, whether or not there is a token for it. Raises `BadInput`."""
    variables = given.environment(env)
    source = next(sources(given, variables, profiles, lambda _command: ""), None)
    url = given.api_url or (source.api_url if source else DEFAULT_URL)
    return validate_url(url, insecure=given.insecure)


def mask(secret: str) -> str:
    """A secret as it may be shown: recognisable to its owner, useless to anybody else."""
    if len(secret) < _SHORTEST_MASKED:
        return "…"
    return f"{secret[:4]}…{secret[-2:]}"


def _validated_token(token: str, source: str) -> str:
    if token.startswith("sig_"):
        raise BadCredentials(
            f"what {source} has is a signing key, not a token",
            hint="the token is the longer text, under QSTASH_TOKEN in the console",
        )
    if not token or not token.isascii() or any(not c.isprintable() or c == " " for c in token):
        raise BadCredentials(
            f"the token of {source} is empty, or has blanks or other characters in it",
            hint="copy it again, without quotes and line ends",
        )
    return token
