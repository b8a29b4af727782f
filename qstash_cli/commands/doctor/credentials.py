"""Checks which credentials are used and why, and the format of the token."""

from __future__ import annotations

from qstash_cli.commands.doctor.check import (
    DoctorCheck,
    failure,
    ok,
    warning,
)
from qstash_cli.config.credentials import Settings, mask
from qstash_cli.config.sources import Source
from qstash_cli.errors import BadCredentials, ExitCode, QstashError
from qstash_cli.protocol.tokens import (
    is_token_shaped,
    looks_like_redis_token,
    mistaken_for_token,
)

_REFUSED = ExitCode.CREDENTIALS


def not_found(error: QstashError) -> DoctorCheck:
    """Reports that there are no usable credentials."""
    is_theirs = isinstance(error, BadCredentials)
    return failure(
        "credentials", error.message, error.hint, _REFUSED if is_theirs else ExitCode.FAILED
    )


def used(source: Source, settings: Settings, overruled: list[str]) -> DoctorCheck:
    """Reports which credentials are used and why, and which others exist."""
    detail = f"{source.name}: {source.why}"
    if overruled:
        detail += f"; it comes before {', '.join(overruled)}"
    if settings.warnings:
        return warning(
            "credentials",
            f"{detail}; {'; '.join(settings.warnings)}",
            f"mend what {source.token_from} gets its value from",
        )
    return ok("credentials", detail)


def kind_of_token(token: str, source: Source) -> DoctorCheck:
    """Checks whether the token has the format of a QStash token."""
    if mistaken := mistaken_for_token(token):
        what, fix = mistaken
        return failure("token", f"{source.token_from} has {what}, not a token", fix, _REFUSED)
    if looks_like_redis_token(token):
        return warning(
            "token",
            f"{mask(token)} looks like the token of a Redis database",
            "copy QSTASH_TOKEN from the console's QStash page",
        )
    if not is_token_shaped(token):
        return warning("token", f"{mask(token)} does not have the form of a QStash token")
    return ok("token", f"{mask(token)}, in the form of a QStash token")
