"""Which source of credentials wins. One source supplies URL and token together, so that a token
never reaches a host that it was not given for. Source: QStash docs, "Multi-region".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from qstash_cli.config.environment import REGIONS, Environment
from qstash_cli.config.profiles import Profile, Profiles, unknown_profile
from qstash_cli.config.urls import DEFAULT_URL, check_url, is_loopback
from qstash_cli.errors import BadCredentials
from qstash_cli.protocol.dev_credentials import DEV_USER

_SHORTEST_MASKED = 16


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the flags said."""

    api_url: str | None = None
    token: str | None = field(default=None, repr=False)
    profile: str | None = None
    dev: bool = False
    insecure: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where to send requests and as whom. `source` names who said so."""

    api_url: str
    token: str = field(repr=False)
    source: str
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


@dataclass(frozen=True, kw_only=True)
class _Source:
    """One place that has a URL and a way to its token."""

    name: str
    api_url: str
    token: Callable[[], str] = field(repr=False)
    plan: str | None = None
    protected: bool = False


def resolve(
    given: Given,
    env: Mapping[str, str],
    profiles: Profiles,
    run_command: Callable[[Sequence[str]], str],
) -> Settings:
    """The settings of the first source that has any.

    Raises `BadCredentials` if there is none, or if its token is not to be had or cannot be one,
    and `BadInput` for a URL that no token may be sent to.
    """
    variables = Environment(env)
    source = _paired(given, _source(given, variables, profiles, run_command))
    api_url = check_url(source.api_url, insecure=given.insecure)
    return Settings(
        api_url=api_url,
        token=_checked_token(source.token(), source.name),
        source=source.name,
        warnings=tuple(variables.warnings),
        plan=source.plan,
        protected=source.protected,
        is_local=is_loopback(api_url),
    )


def base_url(given: Given, env: Mapping[str, str], profiles: Profiles) -> str:
    """The API's URL alone, whether or not there is a token for it. Raises `BadInput`."""
    source = _source(given, Environment(env), profiles, lambda _command: "")
    url = given.api_url or (source.api_url if source else DEFAULT_URL)
    return check_url(url, insecure=given.insecure)


def signing_keys(given: Given, env: Mapping[str, str], profiles: Profiles) -> Keys:
    """The signing keys of the first source that has any."""
    variables = Environment(env)
    found = _signing_keys(given, variables, profiles)
    return replace(found, warnings=tuple(variables.warnings))


def mask(secret: str) -> str:
    """A secret as it may be shown: recognisable to its owner, useless to anybody else."""
    if len(secret) < _SHORTEST_MASKED:
        return "…"
    return f"{secret[:4]}…{secret[-2:]}"


def _source(
    given: Given,
    env: Environment,
    profiles: Profiles,
    run_command: Callable[[Sequence[str]], str],
) -> _Source | None:
    if given.token is not None:
        token = given.token
        return _Source(name="--token", api_url=given.api_url or DEFAULT_URL, token=lambda: token)
    if given.profile is not None:
        return _profile_source(given.profile, profiles, env, run_command)
    if given.dev or env.is_dev:
        return _dev_source(env.dev_url)
    if region := env.region_pair:
        return _Source(name=region.name, api_url=region.api_url, token=lambda: region.token)
    if token := env.text("QSTASH_TOKEN"):
        url = env.text("QSTASH_URL") or DEFAULT_URL
        return _Source(name="QSTASH_TOKEN", api_url=url, token=lambda: token)
    if env.text("QSTASH_URL"):
        env.warnings.append("QSTASH_URL is left out, because QSTASH_TOKEN is not set")
    name = env.text("QSTASH_PROFILE") or profiles.default
    return _profile_source(name, profiles, env, run_command) if name else None


def _paired(given: Given, source: _Source | None) -> _Source:
    if given.api_url is None or given.token is not None:
        if source is None:
            raise BadCredentials(
                "no credentials were found",
                hint="set QSTASH_TOKEN, or store a profile with `qstash config set NAME`; "
                "`qstash demo` and `qstash dev` need none",
            )
        return source
    wanted = given.api_url.rstrip("/")
    if source is not None and source.api_url.rstrip("/") == wanted:
        return source
    if is_loopback(check_url(wanted, insecure=given.insecure)):
        return _dev_source(wanted)
    owner = f"the token of {source.name} belongs to {source.api_url}" if source else "no token"
    raise BadCredentials(
        f"{owner}, not to {urlsplit(wanted).netloc}" if source else f"no token for {wanted}",
        hint="give --token as well, or store both in a profile with `qstash config set NAME`",
    )


def _dev_source(url: str) -> _Source:
    return _Source(name="the development server", api_url=url, token=lambda: DEV_USER.token)


def _profile_source(
    name: str,
    profiles: Profiles,
    env: Environment,
    run_command: Callable[[Sequence[str]], str],
) -> _Source:
    profile = _known(name, profiles)
    return _Source(
        name=f"profile {name}",
        api_url=profile.api_url or DEFAULT_URL,
        token=lambda: _profile_token(profile, env, run_command),
        plan=profile.plan,
        protected=profile.protected,
    )


def _known(name: str, profiles: Profiles) -> Profile:
    if name not in profiles.profiles:
        missing = unknown_profile(name, profiles.profiles)
        raise BadCredentials(missing.message, hint=missing.hint)
    return profiles.profiles[name]


def _profile_token(
    profile: Profile, env: Environment, run_command: Callable[[Sequence[str]], str]
) -> str:
    if profile.token_command:
        return _printed(profile, run_command)
    if profile.token_env is not None:
        token = env.text(profile.token_env)
        if not token:
            raise BadCredentials(
                f"the variable of profile {profile.name} is not set: {profile.token_env}"
            )
        return token
    if profile.token is None:
        raise BadCredentials(
            f"the profile has no token: {profile.name}",
            hint=f"`qstash config set {profile.name}` asks for it",
        )
    return profile.token


def _printed(profile: Profile, run_command: Callable[[Sequence[str]], str]) -> str:
    import subprocess

    program = profile.token_command[0]
    try:
        return run_command(profile.token_command).strip()
    except subprocess.CalledProcessError as fault:
        status = fault.returncode
        raise BadCredentials(
            f"the token command of profile {profile.name} ended with {status}: {program}"
        ) from None
    except OSError as fault:
        raise BadCredentials(
            f"the token command of profile {profile.name} cannot be run: {program}",
            hint=(fault.strerror or "").lower(),
        ) from None


def _checked_token(token: str, source: str) -> str:
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


def _signing_keys(given: Given, env: Environment, profiles: Profiles) -> Keys:
    if given.profile is not None:
        return _keys_of(_known(given.profile, profiles))
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
            name = f"{prefix}QSTASH_CURRENT_SIGNING_KEY"
            return Keys(current=current or None, next=following or None, source=name)
    name = env.text("QSTASH_PROFILE") or profiles.default or ""
    return _keys_of(_known(name, profiles)) if name else Keys()


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
