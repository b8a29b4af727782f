"""The sources of credentials, in order of priority.

Each source supplies URL and token together, so that a token is never sent to a host that it does
not belong to. Source: QStash docs, "Multi-region".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from qstash_cli.config.environment import Environment
from qstash_cli.config.profiles import Profile, Profiles, unknown_profile
from qstash_cli.config.urls import DEFAULT_URL, validate_url
from qstash_cli.errors import BadCredentials
from qstash_cli.protocol.destination import is_loopback

DEV_SOURCE = "the development server"
BY_DEFAULT = "default"
RunCommand = Callable[[Sequence[str]], str]


@dataclass(frozen=True, kw_only=True)
class ConnectionFlags:
    """The connection flags. `env_file` is the file that the variables were read from, if any."""

    api_url: str | None = None
    token: str | None = field(default=None, repr=False)
    profile: str | None = None
    env_file: str | None = None
    dev: bool = False
    insecure: bool = False

    def environment(self, variables: Mapping[str, str]) -> Environment:
        """Returns the cleaned variables, which know the file that they were read from."""
        return Environment(variables, self.env_file)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source of a URL and its token. `why` explains why it is used.

    `url_from` and `token_from` name the flag, variable or profile that each comes from.
    """

    name: str
    why: str
    api_url: str
    url_from: str
    token_from: str
    token: Callable[[], str] = field(repr=False)
    profile: Profile | None = None


def sources(
    given: ConnectionFlags, env: Environment, profiles: Profiles, run_command: RunCommand
) -> Iterator[Source]:
    """Yields every source that has credentials, in order of priority.

    Raises `BadCredentials` on reaching a profile that does not exist.
    """
    if given.token is not None:
        yield _flag_source(given.api_url, given.token)
    if given.profile is not None:
        yield _profile_source(given.profile, "selected by --profile", profiles, env, run_command)
    if given.dev or env.is_dev:
        why = "selected by --dev" if given.dev else f"{env.named('QSTASH_DEV')} is true"
        port = env.named("QSTASH_DEV_PORT") if env.text("QSTASH_DEV_PORT") else BY_DEFAULT
        yield _dev_source(env.dev_url, why, port)
    yield from _variables(env)
    named = env.text("QSTASH_PROFILE")
    why = f"selected by {env.named('QSTASH_PROFILE')}" if named else "it is the default profile"
    if name := named or profiles.default:
        yield _profile_source(name, why, profiles, env, run_command)


def paired(given: ConnectionFlags, source: Source | None) -> Source:
    """Returns the source with a token for the flags' URL, if they contain one.

    Raises `BadCredentials` if there is no source, or if its token belongs to another URL.
    """
    if given.api_url is None or given.token is not None:
        if source is None:
            raise BadCredentials(
                "no credentials found",
                hint="set QSTASH_TOKEN, or set up a profile with `qstash config login`; "
                "`qstash demo` and `qstash dev` work without credentials",
            )
        return source
    wanted = given.api_url.rstrip("/")
    if source is not None and source.api_url.rstrip("/") == wanted:
        return source
    if is_loopback(validate_url(wanted, insecure=given.insecure)):
        return _dev_source(wanted, "--api-url is on this machine", "--api-url")
    owner = f"the token of {source.name} belongs to {source.api_url}" if source else "no token"
    raise BadCredentials(
        f"{owner}, not to {urlsplit(wanted).netloc}" if source else f"no token for {wanted}",
        hint="add --token, or store both in a profile with `qstash config set NAME`",
    )


def known(name: str, profiles: Profiles) -> Profile:
    """Returns a profile by name. Raises `BadCredentials` listing the existing profiles."""
    if name not in profiles.profiles:
        missing = unknown_profile(name, profiles.profiles)
        raise BadCredentials(missing.message, hint=missing.hint)
    return profiles.profiles[name]


def _variables(env: Environment) -> Iterator[Source]:
    if region := env.region_pair:
        prefix = region.name.removesuffix("TOKEN")
        yield Source(
            name=env.named(region.name),
            why=f"selected by {env.named('QSTASH_REGION')}",
            api_url=region.api_url,
            url_from=env.named(f"{prefix}URL"),
            token_from=env.named(region.name),
            token=lambda: region.token,
        )
    if token := env.text("QSTASH_TOKEN"):
        url = env.text("QSTASH_URL")
        yield Source(
            name=env.named("QSTASH_TOKEN"),
            why="it is set",
            api_url=url or DEFAULT_URL,
            url_from=env.named("QSTASH_URL") if url else BY_DEFAULT,
            token_from=env.named("QSTASH_TOKEN"),
            token=lambda: token,
        )
    elif env.text("QSTASH_URL"):
        url, token = env.named("QSTASH_URL"), env.named("QSTASH_TOKEN")
        env.warnings.append(f"{url} is ignored because {token} is not set")


def _flag_source(api_url: str | None, token: str) -> Source:
    return Source(
        name="--token",
        why="it is given",
        api_url=api_url or DEFAULT_URL,
        url_from="--api-url" if api_url else BY_DEFAULT,
        token_from="--token",  # noqa: S106 - the flag's name
        token=lambda: token,
    )


def _dev_source(url: str, why: str, url_from: str) -> Source:
    from qstash_cli.protocol.dev_credentials import DEV_USER

    return Source(
        name=DEV_SOURCE,
        why=why,
        api_url=url,
        url_from=url_from,
        token_from=DEV_SOURCE,
        token=lambda: DEV_USER.token,
    )


def _profile_source(
    name: str, why: str, profiles: Profiles, env: Environment, run_command: RunCommand
) -> Source:
    profile = known(name, profiles)
    return Source(
        name=f"profile {name}",
        why=why,
        api_url=profile.api_url or DEFAULT_URL,
        url_from=f"profile {name}" if profile.api_url else BY_DEFAULT,
        token_from=_token_from(profile, env),
        token=lambda: _profile_token(profile, env, run_command),
        profile=profile,
    )


def _token_from(profile: Profile, env: Environment) -> str:
    if profile.token_command:
        return f"token_command of profile {profile.name}"
    if profile.token_env is not None:
        return f"{env.named(profile.token_env)}, as configured in profile {profile.name}"
    return f"profile {profile.name}"


def _profile_token(profile: Profile, env: Environment, run_command: RunCommand) -> str:
    if profile.token_command:
        return _printed(profile, run_command)
    if profile.token_env is not None:
        token = env.text(profile.token_env)
        if not token:
            raise BadCredentials(
                f"the token variable of profile {profile.name} is not set: {profile.token_env}",
                hint=f"export {profile.token_env}=..., or run `qstash config set {profile.name}`",
            )
        return token
    if profile.token is None:
        raise BadCredentials(
            f"the profile has no token: {profile.name}",
            hint=f"run `qstash config set {profile.name}`, which prompts for it",
        )
    return profile.token


def _printed(profile: Profile, run_command: RunCommand) -> str:
    import subprocess

    program = profile.token_command[0]
    try:
        return run_command(profile.token_command).strip()
    except subprocess.CalledProcessError as fault:
        status = fault.returncode
        raise BadCredentials(
            f"the token command of profile {profile.name} exited with {status}: {program}",
            hint="run the command yourself to see why; it must print the token",
        ) from None
    except OSError as fault:
        raise BadCredentials(
            f"cannot run the token command of profile {profile.name}: {program}",
            hint=(fault.strerror or "").lower(),
        ) from None
