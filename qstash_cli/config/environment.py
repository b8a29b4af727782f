"""Environment variables of the connection.

Sources: QStash docs, "Local development" and "Multi-region".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qstash_cli.errors import BadInput
from qstash_cli.protocol.limits import DEV_QUOTAS

_ON = {"1", "true"}
_OFF = {"", "0", "false"}
_LAST_PORT = 65_535
REGIONS = ("EU_CENTRAL_1", "US_EAST_1")


@dataclass(frozen=True, kw_only=True)
class RegionPair:
    """URL and token of a region. `name` is the name of the token's variable."""

    name: str
    api_url: str
    token: str = field(repr=False)


class Environment:
    """The variables without surrounding quotes and spaces.

    `warnings` lists the variables that had to be cleaned or ignored. `file` is the file that the
    variables were read from, if any.
    """

    def __init__(self, env: Mapping[str, str], file: str | None = None) -> None:
        self._env = env
        self._file = file
        self.warnings: list[str] = []

    def named(self, name: str) -> str:
        """Describes a variable in a message, with the file that it was read from."""
        return f"{name} in {self._file}" if self._file else name

    def text(self, name: str) -> str:
        """Returns a variable without surrounding quotes and spaces, empty if it is not set."""
        value = self._env.get(name, "")
        clean = value.strip()
        if len(clean) > 1 and clean[0] == clean[-1] and clean[0] in "\"'":
            clean = clean[1:-1].strip()
        if clean != value:
            warning = f"{self.named(name)} has quotes or spaces around it, which are ignored"
            if warning not in self.warnings:
                self.warnings.append(warning)
        return clean

    @property
    def is_dev(self) -> bool:
        """Whether `QSTASH_DEV` is true. Raises `BadInput` if it is neither true nor false."""
        value = self.text("QSTASH_DEV").lower()
        if value not in _ON | _OFF:
            raise BadInput(f"QSTASH_DEV must be true or false: {value!r}")
        return value in _ON

    @property
    def dev_url(self) -> str:
        """The URL of the development server. Raises `BadInput` if the port is not valid."""
        from qstash_cli.protocol.dev_credentials import DEV_PORT

        return f"http://127.0.0.1:{self.dev_port or DEV_PORT}"

    @property
    def dev_port(self) -> int | None:
        """The port of the development server. Raises `BadInput` if it is not valid."""
        return self._port("QSTASH_DEV_PORT")

    @property
    def dev_log_port(self) -> int | None:
        """The port of the development server's logs. Raises `BadInput` if it is not valid."""
        return self._port("QSTASH_DEV_LOG_PORT")

    @property
    def dev_quota(self) -> str | None:
        """The plan that the development server simulates. Raises `BadInput` if unknown."""
        name = "QSTASH_DEV_QUOTA"
        value = self.text(name)
        if value and value not in DEV_QUOTAS:
            raise BadInput(
                f"{self.named(name)} is not a plan: {value!r}",
                hint=f"use one of {', '.join(DEV_QUOTAS)}",
            )
        return value or None

    def _port(self, name: str) -> int | None:
        value = self.text(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit() and 0 < int(value[:6]) <= _LAST_PORT):
            raise BadInput(
                f"{self.named(name)} is not a port: {value!r}",
                hint=f"set it to a number from 1 to {_LAST_PORT}, or unset it",
            )
        return int(value)

    @property
    def region_prefix(self) -> str:
        """The prefix of the region's variables, empty if `QSTASH_REGION` is not set."""
        region = self.text("QSTASH_REGION").upper().replace("-", "_")
        if region and region not in REGIONS:
            self._warn_once(f"QSTASH_REGION is ignored: it is not one of {', '.join(REGIONS)}")
            return ""
        return f"{region}_" if region else ""

    @property
    def region_pair(self) -> RegionPair | None:
        """URL and token of the region, None if there is no region or one of them is missing."""
        prefix = self.region_prefix
        if not prefix:
            return None
        url, token = self.text(f"{prefix}QSTASH_URL"), self.text(f"{prefix}QSTASH_TOKEN")
        if url and token:
            return RegionPair(name=f"{prefix}QSTASH_TOKEN", api_url=url, token=token)
        self._warn_once(
            f"QSTASH_REGION is ignored: it needs {prefix}QSTASH_URL and {prefix}QSTASH_TOKEN"
        )
        return None

    def _warn_once(self, warning: str) -> None:
        if warning not in self.warnings:
            self.warnings.append(warning)
