"""Which QStash to talk to, as whom, and with which signing keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from qstash_cli.config.environment import REGIONS, Environment
from qstash_cli.config.profiles import Profile, Profiles
from qstash_cli.config.sources import ConnectionFlags, RunCommand, Source, known, paired, sources
from qstash_cli.config.urls import DEFAULT_URL, validate_url
from qstash_cli.errors import BadCredentials
from qstash_cli.protocol.destination import is_loopback
from qstash_cli.protocol.dev_credentials import DEV_USER

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


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The signing keys that are known, None for one that is not."""

    current: str | None = field(default=None, repr=False)
    next: str | None = field(default=None, repr=False)
    source: str = ""
    warnings: tuple[str, ...] = ()


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


def signing_keys(given: ConnectionFlags, env: Mapping[str, str], profiles: Profiles) -> Keys:
    """The signing keys of the first source that has any."""
    variables = given.environment(env)
    found = _signing_keys(given, variables, profiles)
    return replace(found, warnings=tuple(variables.warnings))


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


def _signing_keys(given: ConnectionFlags, env: Environment, profiles: Profiles) -> Keys:
    if given.profile is not None:
        return _keys_of(known(given.profile, profiles))
    if given.dev or env.is_dev:
        return Keys(
            current=DEV_USER.current_signing_key,
            next=DEV_USER.next_signing_key,
            source="the development server",
        )
    for prefix in (env.region_prefix, ""):
        current = env.text(f"{prefix}QSTASH_CURRENT_SIGNING_KEY")
        following = env.text(f"{prefix}QSTASH_NEXT_SIGNING_KEY")
        if current or following:
            name = env.named(f"{prefix}QSTASH_CURRENT_SIGNING_KEY")
            return Keys(current=current or None, next=following or None, source=name)
    name = env.text("QSTASH_PROFILE") or profiles.default or ""
    return _keys_of(known(name, profiles)) if name else Keys()


def regional_keys(env: Mapping[str, str]) -> dict[str, Keys]:
    """The signing keys in the variables of each region, by names such as `EU_CENTRAL_1`."""
    variables = Environment(env)
    found = {}
    for region in REGIONS:
        name = f"{region}_QSTASH_CURRENT_SIGNING_KEY"
        current = variables.text(name)
        following = variables.text(f"{region}_QSTASH_NEXT_SIGNING_KEY")
        if current or following:
            found[region] = Keys(current=current or None, next=following or None, source=name)
    return found


def _keys_of(profile: Profile) -> Keys:
    return Keys(
        current=profile.current_signing_key,
        next=profile.next_signing_key,
        source=f"profile {profile.name}",
    )
