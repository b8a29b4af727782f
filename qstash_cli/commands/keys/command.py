"""`qstash keys`: manage the signing keys of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qstash_cli.cli import github_actions
from qstash_cli.cli.context import Context
from qstash_cli.cli.registry import command, group
from qstash_cli.client.api import keys
from qstash_cli.commands.common.confirm_options import ConfirmOptions
from qstash_cli.commands.common.variable_lines import CURRENT_KEY, NEXT_KEY, dotenv_lines
from qstash_cli.commands.common.views import KEYS
from qstash_cli.commands.keys.rotation import RotationOptions, probe_endpoints, signed_probes
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Result

if TYPE_CHECKING:
    from qstash_cli.cli.exchanges import Send
    from qstash_cli.protocol.records import SigningKeys

app = group()


@command(app, view=KEYS)
def get(ctx: Context) -> Result:
    """Print the signing keys unmasked.

    \b
    qstash keys get --query current
    qstash keys get -o json
    """
    return ctx.fetch(keys.get(), lambda found: _displayed(ctx, found))


@command(app, view=KEYS)
def rotate(ctx: Context, *, options: RotationOptions, confirm: ConfirmOptions) -> Result:
    """Rotate the signing keys: the next key becomes the current one.

    Endpoints that have both keys keep working through one rotation, but not through two. With
    --probe, each endpoint first gets a request signed with the next key and must accept it with a
    2xx. Prints the variables to deploy, unmasked.

    \b
    qstash keys rotate --probe https://example.com/hook --yes
    qstash keys rotate --yes -o json
    qstash keys rotate --dry-run
    """
    if options.force and not options.probe:
        raise BadInput("--force without --probe", hint="nothing is asked before rotating then")
    ctx.confirm(
        f"{_question(options.endpoints)}?",
        yes=confirm.yes,
        make_question=lambda: f"{_question(options.endpoints)} {ctx.account_phrase}?",
    )
    rotation = keys.rotate()
    if not options.probe:
        return ctx.write(rotation, lambda found: _rotated(ctx, found))
    signed = signed_probes(ctx, options)

    def run(send: Send) -> Result:
        probe_endpoints(ctx, options, signed)
        return _rotated(ctx, send(rotation))

    later = (
        "" if options.force else "the rotation is sent only if every endpoint accepts its request"
    )
    return ctx.perform([*(one.request for one in signed), rotation], run, later=later)


def _displayed(ctx: Context, found: SigningKeys) -> Result:
    keys.validated(found)
    github_actions.mask(ctx, found["current"], found["next"])
    return Result(data=found, view=KEYS)


def _rotated(ctx: Context, found: SigningKeys) -> Result:
    result = _displayed(ctx, found)
    _warn_of_stored_keys(ctx)
    lines = dotenv_lines({CURRENT_KEY: found["current"], NEXT_KEY: found["next"]})
    return result._replace(text="\n".join(lines), done="Rotated the signing keys")


def _question(endpoints: tuple[str, ...]) -> str:
    if not endpoints:
        return "Rotate the signing keys"
    named = " and ".join(endpoints)
    return f"Send a signed request to {named}, then rotate the signing keys"


def _warn_of_stored_keys(ctx: Context) -> None:
    profile = ctx.config.profiles.profiles.get(ctx.config.settings.profile or "")
    if profile and (profile.current_signing_key or profile.next_signing_key):
        ctx.note(
            f"profile {profile.name} still has the old signing keys; "
            f"`qstash config set {profile.name} --keys-stdin` reads the new keys, one per line"
        )
