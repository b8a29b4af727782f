"""Determines the signing keys of a command: from options or from the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.run_options import ConnectionOptions
from qstash_cli.errors import BadCredentials, BadInput


@dataclass(frozen=True, kw_only=True)
class SigningKeyOptions:
    """The keys to verify with."""

    current_key: str | None = flag(
        "Current signing key; @FILE keeps it off the command line", metavar="KEY", section="Keys"
    )
    next_key: str | None = flag("Next signing key, or @FILE", metavar="KEY", section="Keys")
    dev: bool = flag("Use the keys of `qstash dev`", section="Keys")
    region: str | None = flag(
        "Use the keys in the variables of this region",
        metavar="REGION",
        section="Keys",
        complete="EU_CENTRAL_1|US_EAST_1",
    )
    profile: str | None = flag(
        "Use the keys of this profile",
        "-p",
        "--profile",
        metavar="NAME",
        section="Keys",
        complete="profile",
    )


def signing_keys(
    ctx: Context, flags: SigningKeyOptions, seen_region: str | None = None
) -> tuple[tuple[str, str], ...]:
    """Returns the keys by name, from options, the region, the environment or the profile.

    The first of these sources that has keys is used. Raises `BadCredentials` if none has.
    """
    given = (("current", flags.current_key), ("next", flags.next_key))
    found = tuple((name, read_key(ctx, key)) for name, key in given if key is not None)
    if not found:
        connection = ConnectionOptions(profile=flags.profile, dev=flags.dev)
        config = ctx.with_connection(connection).config
        regional = config.regional_keys
        region = (flags.region or seen_region or "").upper().replace("-", "_")
        if flags.region is not None and region not in regional:
            raise BadCredentials(
                f"no signing key of the region {flags.region}",
                hint="set EU_CENTRAL_1_QSTASH_CURRENT_SIGNING_KEY or US_EAST_1_QSTASH_...",
            )
        configured = regional.get(region) or config.signing_keys
        pairs = (("current", configured.current), ("next", configured.next))
        found = tuple((name, key) for name, key in pairs if key)
    if not found:
        raise BadCredentials(
            "no signing key to check against",
            hint="give --current-key @FILE, set QSTASH_CURRENT_SIGNING_KEY, or store it with "
            "`qstash config set NAME`; `qstash keys get` prints it",
        )
    return found


def read_key(ctx: Context, spec: str) -> str:
    """Reads a signing key from the option's value or from `@FILE`.

    Raises `BadInput` if it is empty.
    """
    key = ctx.read_body(spec).decode(errors="replace").strip().strip("\"'")
    if not key:
        raise BadInput("the signing key is empty")
    return key
