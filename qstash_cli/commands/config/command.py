"""`qstash config`: manage profiles, each with a URL, a token and signing keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli import github_actions
from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.confirm_options import ConfirmOptions
from qstash_cli.commands.common.variable_lines import (
    NAMES,
    dotenv_lines,
    fits_in_dotenv,
    shell_lines,
    variables,
)
from qstash_cli.commands.config.login_options import LoginOptions
from qstash_cli.commands.config.profile_changes import ProfileChanges, read_changes
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Column, Result, View

if TYPE_CHECKING:
    from qstash_cli.config.profiles import Profiles

app = group()

_VIEW = View(
    columns=(
        Column(name="name", of="name"),
        Column(name="default", of="default"),
        Column(name="apiUrl", of="apiUrl"),
        Column(name="token", of="token"),
        Column(name="currentSigningKey", of="currentSigningKey"),
        Column(name="nextSigningKey", of="nextSigningKey"),
        Column(name="plan", of="plan"),
    ),
    id="name",
    empty="no profiles; `qstash config login` creates one",
)
_LIST = View(columns=_VIEW.columns[:4], id="name", empty=_VIEW.empty)
_ORIGINS = View(
    columns=(
        Column(name="name", of="name"),
        Column(name="value", of="value", wraps=True),
        Column(name="source", of="source", wraps=True),
    ),
    id="name",
)
_VARIABLES = View(columns=tuple(Column(name=n, of=n) for n in NAMES), id=NAMES[0])
_PATH = View(columns=(Column(name="path", of="path"),), id="path")

_Name = Annotated[
    str,
    Argument("Name of the profile", "NAME", complete="profile"),
]
_NameIfAny = Annotated[
    str | None,
    Argument("Name of the profile", "NAME", complete="profile"),
]
# These variables precede QSTASH_TOKEN, whatever the source of the token.
_AHEAD = ("QSTASH_DEV", "QSTASH_REGION")


@command(app, "list", connects=False)
def list_(ctx: Context) -> Result:
    """List the profiles with masked secrets.

    \b
    qstash config list
    qstash config list -o json
    """
    profiles = ctx.config.profiles
    return Result(data=[_record(profiles, name) for name in profiles.profiles], view=_LIST)


@command(app, view=_ORIGINS)
def show(ctx: Context, name: _NameIfAny = None) -> Result:
    """Show the settings in use and where each one comes from.

    Masks secrets and runs no token command. Exits with 3 if there are no credentials.

    \b
    qstash config show
    qstash config show prod
    qstash config show --env-file .env -o json
    """
    from qstash_cli.config.origins import origins

    ctx = _with_profile(ctx, name or ctx.options.connection.profile)
    found, failure = origins(
        ctx.config.flags, ctx.config.variables, ctx.config.profiles, ctx.config.file
    )
    return Result(data=[vars(one) for one in found], view=_ORIGINS, error=failure)


@dataclass(frozen=True, kw_only=True)
class EnvOptions:
    """The profile whose variables are printed."""

    export: bool = flag("Print shell lines, which unset unknown keys")


@command(app, view=_VARIABLES)
def env(ctx: Context, name: _NameIfAny = None, *, options: EnvOptions) -> Result:
    """Print the variables of a profile with its token and signing keys unmasked.

    The only config command that prints secrets. The lines are in the format that --env-file reads
    or, with --export, in that of a POSIX shell. Runs the token command, if there is one.

    \b
    qstash config env prod > prod.env
    eval "$(qstash config env prod --export)"
    """
    ctx = _with_profile(ctx, name)
    settings, keys = ctx.config.settings, ctx.config.signing_keys
    has_keys = bool(keys.current or keys.next)
    if has_keys and keys.source.replace("CURRENT_SIGNING_KEY", "TOKEN") != settings.source:
        ctx.warn(f"the token is of {settings.source}, and the signing keys are of {keys.source}")
    github_actions.mask(ctx, settings.token, keys.current, keys.next)
    found = variables(settings.api_url, settings.token, keys.current, keys.next)
    text = "\n".join(_shell(ctx, found) if options.export else _dotenv(found))
    return Result(data=found, view=_VARIABLES, text=text)


def _with_profile(ctx: Context, name: str | None) -> Context:
    """Returns the context with this profile, as with -p. Raises `NotFound`."""
    from qstash_cli.config.profiles import unknown_profile

    if name is None:
        return ctx
    if name not in ctx.config.profiles.profiles:
        raise unknown_profile(name, ctx.config.profiles.profiles)
    return ctx.with_connection(replace(ctx.options.connection, profile=name))


def _shell(ctx: Context, found: Mapping[str, str | None]) -> list[str]:
    for name in _AHEAD:
        if ctx.system.env.get(name, "").strip().lower() not in {"", "0", "false"}:
            ctx.warn(f"{name} is set in this shell and comes first; unset it")
    return shell_lines(found)


def _dotenv(found: Mapping[str, str | None]) -> list[str]:
    for name, value in found.items():
        if not fits_in_dotenv(value):
            raise BadInput(
                f"{name} ends with a backslash, which a file of variables cannot contain",
                hint="use --export or -o json",
            )
    return dotenv_lines(found)


@command(app, "set", connects=False)
def set_(ctx: Context, name: _Name, *, changes: ProfileChanges) -> Result:
    """Create or update a profile.

    Prompts for the token without echoing it, or reads it from standard input; the token is never an
    argument. The first profile becomes the default.

    \b
    qstash config set prod
    qstash config set prod --token-stdin < token.txt
    qstash config set ci --token-command "op read op://infra/qstash/token" --plan payg
    """
    from qstash_cli.config.profiles import save

    _validate_may_change(ctx)
    save(ctx.config.file, name, read_changes(ctx, name, changes))
    if not ctx.streams.err_is_terminal:
        ctx.note(f"profile {name} is stored in {ctx.config.file}")
    return _stored(ctx, name, f"Saved profile {name} in {ctx.config.file}")


@command(app, connects=False)
def login(
    ctx: Context,
    name: Annotated[
        str | None,
        Argument("Name of the profile [default: default]", "NAME", complete="profile"),
    ] = None,
    *,
    options: LoginOptions,
    confirm: ConfirmOptions,
) -> Result:
    """Set up a profile: ask for region and token, check them, and save.

    Prompts for the token without echoing it; the token is never an argument. Also saves the signing
    keys of the account. If QStash rejects the token, saves nothing.

    \b
    qstash config login
    qstash config login prod --region us-east-1
    qstash config login ci --with-token < token.txt
    """
    from qstash_cli.commands.config.login import log_in, report, validate_may_ask
    from qstash_cli.config.profiles import save
    from qstash_cli.config.urls import REGION_URLS
    from qstash_cli.protocol.ids import validate_name

    _validate_may_change(ctx)
    name = name or "default"
    validate_name(name, "profile")
    validate_may_ask(ctx, name, options)
    if name in ctx.config.profiles.profiles:
        question = f"Replace URL, token and signing keys of profile {name} in {ctx.config.file}?"
        ctx.confirm(question, yes=confirm.yes)
    found = log_in(ctx, name, options, REGION_URLS)
    save(ctx.config.file, name, found.changes)
    return _stored(ctx, name, "")._replace(text=report(ctx, name, found))


@command(app, connects=False)
def use(ctx: Context, name: _Name) -> Result:
    """Set the default profile.

    \b
    qstash config use prod
    qstash config use staging
    """
    from qstash_cli.config.profiles import use as make_default

    _validate_may_change(ctx)
    make_default(ctx.config.file, name)
    return _stored(ctx, name, f"Profile {name} is the default now")


@command(app, connects=False)
def remove(ctx: Context, name: _Name, *, confirm: ConfirmOptions) -> Result:
    """Remove a profile.

    \b
    qstash config remove staging --yes
    qstash config remove staging -y
    """
    from qstash_cli.config.profiles import remove as remove_profile
    from qstash_cli.config.profiles import unknown_profile

    _validate_may_change(ctx)
    if name not in ctx.config.profiles.profiles:
        raise unknown_profile(name, ctx.config.profiles.profiles)
    ctx.confirm(f"Remove profile {name} from {ctx.config.file}?", yes=confirm.yes)
    remove_profile(ctx.config.file, name)
    return Result(data=[], view=_LIST, text="", done=f"Removed profile {name}")


@command(app, connects=False, view=_PATH)
def path(ctx: Context) -> Result:
    """Print the path of the configuration file.

    \b
    qstash config path
    qstash config path -o json
    """
    record = {"path": str(ctx.config.file)}
    return Result(data=record, view=_PATH, on_terminal="ids", piped="ids")


def _validate_may_change(ctx: Context) -> None:
    if ctx.options.automation.no_config:
        raise BadInput("--no-config prevents changes to the configuration file",
                       hint="omit --no-config; nothing was changed")  # fmt: skip


def _stored(ctx: Context, name: str, done: str) -> Result:
    from qstash_cli.config.profiles import load

    record = _record(load(ctx.config.file), name)
    return Result(data=record, view=_VIEW, piped="ids", done=done)


def _record(profiles: Profiles, name: str) -> dict[str, object]:
    from qstash_cli.config.credentials import mask

    profile = profiles.profiles[name]
    token = mask(profile.token) if profile.token else None
    if profile.token_env:
        token = f"from ${profile.token_env}"
    if profile.token_command:
        token = f"from `{profile.token_command[0]}`"
    return {
        "name": name,
        "default": name == profiles.default,
        "apiUrl": profile.api_url,
        "token": token,
        "currentSigningKey": _masked(profile.current_signing_key),
        "nextSigningKey": _masked(profile.next_signing_key),
        "plan": profile.plan,
    }


def _masked(secret: str | None) -> str | None:
    from qstash_cli.config.credentials import mask

    return mask(secret) if secret else None
