"""Lists every setting that a command would use, with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qstash_cli.config.credentials import chosen, mask
from qstash_cli.config.environment import Environment
from qstash_cli.config.profiles import Profiles
from qstash_cli.config.signing_keys import signing_keys
from qstash_cli.config.sources import BY_DEFAULT, ConnectionFlags, Source, sources
from qstash_cli.config.urls import DEFAULT_URL
from qstash_cli.errors import BadCredentials

_NOT_SET = "not set"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A setting and its source. Secrets are masked; None means that the setting is not set."""

    name: str
    value: str | bool | None
    source: str


def origins(
    given: ConnectionFlags, env: Mapping[str, str], profiles: Profiles, file: Path
) -> tuple[list[Origin], BadCredentials | None]:
    """Returns the settings, and the error if there are no usable credentials.

    `file` is the file with the profiles. Token commands are not run.
    """
    try:
        source = chosen(given, given.environment(env), profiles, _not_run)
        token = _masked_token(source)
    except BadCredentials as fault:
        return [*_without_credentials(given, env, file)], fault
    profile = source.profile
    place = f"profile {profile.name} in {file}" if profile else ""
    return [
        Origin(
            name="profile",
            value=profile.name if profile else None,
            source=source.why if profile else f"uses {source.name}: {source.why}",
        ),
        Origin(name="apiUrl", value=source.api_url, source=_placed(source.url_from, file)),
        Origin(name="token", value=token, source=_placed(source.token_from, file)),
        *_keys(given, env, profiles, file),
        _set_or_not("plan", profile.plan if profile else None, place),
        _set_or_not("protected", (profile.protected or None) if profile else None, place),
        _config_file(env, file),
    ], None


def overruled(given: ConnectionFlags, env: Environment, profiles: Profiles) -> list[str]:
    """Returns the names of the lower-priority sources that also have credentials."""
    names: list[str] = []
    try:
        names.extend(one.name for one in sources(given, env, profiles, _not_run))
    except BadCredentials:
        # A missing profile matters only if it would be used.
        return names[1:]
    return [name for name in dict.fromkeys(names) if name != names[0]]


def _without_credentials(
    given: ConnectionFlags, env: Mapping[str, str], file: Path
) -> Iterator[Origin]:
    yield Origin(
        name="profile", value=given.profile, source="--profile" if given.profile else _NOT_SET
    )
    url = given.api_url
    yield Origin(name="apiUrl", value=url or DEFAULT_URL, source="--api-url" if url else BY_DEFAULT)
    yield Origin(name="token", value=None, source=_NOT_SET)
    yield _config_file(env, file)


def _masked_token(source: Source) -> str:
    if source.profile and source.profile.token_command:
        return f"the output of `{source.profile.token_command[0]}`"
    return mask(source.token())


def _keys(
    given: ConnectionFlags, env: Mapping[str, str], profiles: Profiles, file: Path
) -> Iterator[Origin]:
    keys = signing_keys(given, env, profiles)
    following = keys.source.replace("_CURRENT_SIGNING_KEY", "_NEXT_SIGNING_KEY")
    for name, key, place in (
        ("currentSigningKey", keys.current, keys.source),
        ("nextSigningKey", keys.next, following),
    ):
        yield _set_or_not(name, mask(key) if key else None, _placed(place, file))


def _set_or_not(name: str, value: str | bool | None, place: str) -> Origin:
    return Origin(name=name, value=value, source=_NOT_SET if value is None else place)


def _placed(source: str, file: Path) -> str:
    """Adds the file to a source that is a profile, so that users can find it."""
    is_of_profile = source.startswith("profile ") or " profile " in source
    return f"{source} in {file}" if is_of_profile else source


def _config_file(env: Mapping[str, str], file: Path) -> Origin:
    named = next(
        (n for n in ("QSTASH_CONFIG_DIR", "XDG_CONFIG_HOME") if env.get(n, "").strip()), ""
    )
    return Origin(name="configFile", value=str(file), source=named or BY_DEFAULT)


def _not_run(_command: Sequence[str]) -> str:
    return ""
