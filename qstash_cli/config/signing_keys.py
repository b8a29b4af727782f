"""Configured signing keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from qstash_cli.config.environment import REGIONS, Environment
from qstash_cli.config.profiles import Profile, Profiles
from qstash_cli.config.sources import ConnectionFlags, known
from qstash_cli.protocol.dev_credentials import DEV_USER


@dataclass(frozen=True, kw_only=True)
class ConfiguredKeys:
    """A pair of signing keys. An unknown key is None."""

    current: str | None = field(default=None, repr=False)
    next: str | None = field(default=None, repr=False)
    source: str = ""
    warnings: tuple[str, ...] = ()


def signing_keys(
    given: ConnectionFlags, env: Mapping[str, str], profiles: Profiles
) -> ConfiguredKeys:
    """Returns the signing keys of the first source that has any."""
    variables = given.environment(env)
    found = _signing_keys(given, variables, profiles)
    return replace(found, warnings=tuple(variables.warnings))


def _signing_keys(given: ConnectionFlags, env: Environment, profiles: Profiles) -> ConfiguredKeys:
    if given.profile is not None:
        return _keys_of(known(given.profile, profiles))
    if given.dev or env.is_dev:
        return ConfiguredKeys(
            current=DEV_USER.current_signing_key,
            next=DEV_USER.next_signing_key,
            source="the development server",
        )
    for prefix in (env.region_prefix, ""):
        current = env.text(f"{prefix}QSTASH_CURRENT_SIGNING_KEY")
        following = env.text(f"{prefix}QSTASH_NEXT_SIGNING_KEY")
        if current or following:
            name = env.named(f"{prefix}QSTASH_CURRENT_SIGNING_KEY")
            return ConfiguredKeys(current=current or None, next=following or None, source=name)
    name = env.text("QSTASH_PROFILE") or profiles.default or ""
    return _keys_of(known(name, profiles)) if name else ConfiguredKeys()


def regional_keys(env: Mapping[str, str]) -> dict[str, ConfiguredKeys]:
    """Returns the signing keys in each region's variables, by names such as `EU_CENTRAL_1`."""
    variables = Environment(env)
    found = {}
    for region in REGIONS:
        name = f"{region}_QSTASH_CURRENT_SIGNING_KEY"
        current = variables.text(name)
        following = variables.text(f"{region}_QSTASH_NEXT_SIGNING_KEY")
        if current or following:
            found[region] = ConfiguredKeys(
                current=current or None, next=following or None, source=name
            )
    return found


def _keys_of(profile: Profile) -> ConfiguredKeys:
    return ConfiguredKeys(
        current=profile.current_signing_key,
        next=profile.next_signing_key,
        source=f"profile {profile.name}",
    )
