"""Resolves the profile, credentials and signing keys of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from qstash_cli.cli.run_options import RunOptions
from qstash_cli.cli.system import System
from qstash_cli.errors import BadCredentials

if TYPE_CHECKING:
    from pathlib import Path

    from qstash_cli.config.credentials import Settings
    from qstash_cli.config.profiles import Profiles
    from qstash_cli.config.signing_keys import ConfiguredKeys
    from qstash_cli.config.sources import ConnectionFlags


class Configuration:
    """The combined configuration of flags, environment and configuration file. Reads each once.

    `warn` receives warnings for the user.
    """

    def __init__(self, system: System, options: RunOptions, warn: Callable[[str], None]) -> None:
        self._system = system
        self._options = options
        self._warn = warn

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """The variables of the environment, or of the file that replaces it. Raises `BadInput`."""
        env_file = self._options.connection.env_file
        if env_file is None:
            return self._system.env
        from qstash_cli.config.env_file import variables

        return variables(env_file, self._system.env)

    @property
    def file(self) -> Path:
        """The path of the configuration file."""
        from qstash_cli.config.paths import config_file

        return config_file(self.variables, self._system.home)

    @cached_property
    def profiles(self) -> Profiles:
        """The profiles of the configuration file, which becomes private if it contains secrets."""
        from qstash_cli.config.profiles import Profiles, load, restrict

        if self._options.automation.no_config:
            return Profiles()
        found = load(self.file)
        has_secrets = any(profile.has_secrets for profile in found.profiles.values())
        if has_secrets and (changed := restrict(self.file)):
            self._warn(changed)
        return found

    @cached_property
    def settings(self) -> Settings:
        """The URL and token of QStash's API. Raises `BadCredentials` or `BadInput`."""
        from qstash_cli.config.credentials import resolve

        settings = resolve(self.flags, self.variables, self.profiles, self._system.run_command)
        for warning in settings.warnings:
            self._warn(warning)
        return settings

    @property
    def settings_if_any(self) -> Settings | None:
        """The settings, or None without credentials, for commands that work without them."""
        try:
            return self.settings
        except BadCredentials:
            return None

    @property
    def signing_keys(self) -> ConfiguredKeys:
        """The configured signing keys; None for a missing key."""
        from qstash_cli.config.signing_keys import signing_keys

        return signing_keys(self.flags, self.variables, self.profiles)

    @property
    def regional_keys(self) -> dict[str, ConfiguredKeys]:
        """The signing keys in the environment, by region."""
        from qstash_cli.config.signing_keys import regional_keys

        return regional_keys(self.variables)

    @property
    def api_url(self) -> str:
        """The base URL of the API, even without a token."""
        from qstash_cli.config.credentials import base_url

        return base_url(self.flags, self.variables, self.profiles)

    @property
    def flags(self) -> ConnectionFlags:
        """The connection options of the command line."""
        from qstash_cli.config.sources import ConnectionFlags

        flags = self._options.connection
        return ConnectionFlags(
            api_url=flags.api_url,
            token=flags.token,
            profile=flags.profile,
            env_file=flags.env_file,
            dev=flags.dev,
            insecure=flags.insecure,
        )
