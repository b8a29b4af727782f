"""Validates the values of a manifest, like those of a publish."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.errors import BadInput
from qstash_cli.manifest.problems import Path, Problems
from qstash_cli.manifest.resources import Schedule
from qstash_cli.protocol.cron import parse_cron
from qstash_cli.protocol.destination import is_url, validate_destination, validate_reachable
from qstash_cli.protocol.limits import validate_limits


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The validation settings. With `is_on` false, validation is left to QStash."""

    is_local: bool = False
    plan: str | None = None
    is_on: bool = True

    def destination(self, destination: str) -> str:
        """Returns a valid destination. Raises `BadInput`."""
        if not self.is_on:
            return destination
        self.reachable(destination, "destination")
        return validate_destination(destination)

    def endpoint(self, url: str) -> str:
        """Returns a valid endpoint URL. Raises `BadInput`."""
        if not is_url(url):
            raise BadInput(
                f"the endpoint must start with http:// or https://: {url}",
                hint=f"try https://{url}",
            )
        if not self.is_on:
            return url
        self.reachable(url, "endpoint")
        return validate_destination(url)

    def cron(self, expression: str) -> None:
        """Raises `BadInput` if the expression or its time zone is invalid."""
        if self.is_on:
            parse_cron(expression)

    def reachable(self, url: str | None, what: str) -> None:
        """Raises `BadInput` if QStash in the cloud cannot reach the URL."""
        if self.is_on and not self.is_local:
            validate_reachable(url or "", what)

    def schedule(self, schedule: Schedule, path: Path, problems: Problems) -> None:
        """Adds the problems of a schedule whose destination was already validated."""
        if not self.is_on:
            return
        options = schedule.options
        for key, url in (
            ("callback", options.callback),
            ("failure_callback", options.failure_callback),
        ):
            problems.validate((*path, key), self.reachable, url, key.replace("_", " "))
        problems.validate(
            path,
            validate_limits,
            self.plan,
            body_bytes=len(schedule.body),
            delay_s=options.delay_s,
            timeout_s=options.timeout_s,
        )
