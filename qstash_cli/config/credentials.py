"""Selects the API's URL and the token for it."""

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
    """The API's URL and token. `source` names their origin; `profile` is set if it is a profile."""

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
    """Returns the settings of the first source that has credentials.

    Raises `BadCredentials` if there isn't one, or if its token cannot be read or is malformed, and
    `BadInput` if the URL is one that a token must not be sent to.
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
    """Returns the source in use. Raises `BadCredentials` if there isn't one."""
    return paired(given, next(sources(given, env, profiles, run_command), None))


def base_url(given: ConnectionFlags, env: Mapping[str, str], profiles: Profiles) -> str:
    """Returns only the API's URL, whether or not there is a token for it. Raises `BadInput`."""
    variables = given.environment(env)
    source = next(sources(given, variables, profiles, lambda _command: ""), None)
    url = given.api_url or (source.api_url if source else DEFAULT_URL)
    return validate_url(url, insecure=given.insecure)


def mask(secret: str) -> str:
    """Masks a secret, so that its owner can recognise it but nobody can use it."""
    if len(secret) < _SHORTEST_MASKED:
        return "…"
    return f"{secret[:4]}…{secret[-2:]}"


def _validated_token(token: str, source: str) -> str:
    if token.startswith("sig_"):
        raise BadCredentials(
            f"{source} contains a signing key, not a token",
            hint="copy the longer value, QSTASH_TOKEN, from the console",
        )
    if not token or not token.isascii() or any(not c.isprintable() or c == " " for c in token):
        raise BadCredentials(
            f"the token of {source} is empty or contains spaces or other invalid characters",
            hint="copy it again, without quotes and line breaks",
        )
    return token
