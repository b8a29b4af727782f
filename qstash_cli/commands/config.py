"""`qstash config`: profiles, each with a URL, a token and signing keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from qstash_cli.commands._options import Confirm
from qstash_cli.commands._signature import command, group
from qstash_cli.commands._values import values
from qstash_cli.errors import BadInput
from qstash_cli.flags import flag
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.limits import PLANS
from qstash_cli.protocol.tokens import mistaken_for_token

app = group("Profiles: which QStash to talk to, and as whom")

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
    empty="no profiles; `qstash config set NAME` makes one",
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
_PATH = View(columns=(Column(name="path", of="path"),), id="path")

_Name = Annotated[
    str,
    typer.Argument(help="Name of the profile", metavar="NAME", autocompletion=values("profile")),
]


def _plan(text: str, _now: float) -> str:
    if text not in PLANS:
        raise BadInput(f"not a plan: {text!r}", hint=f"one of {', '.join(PLANS)}")
    return text


def _url(text: str, _now: float) -> str:
    from qstash_cli.config.urls import check_url

    # Whether it may be used without TLS is asked at each run.
    return check_url(text, insecure=True)


def _variable(text: str, _now: float) -> str:
    # Whoever pastes the token itself must not read it in an error.
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise BadInput("that is not the name of a variable", hint="write it as --token-env NAME")
    return text


def _command(text: str, _now: float) -> tuple[str, ...]:
    import shlex

    try:
        words = tuple(shlex.split(text))
    except ValueError:
        words = ()
    if not words:
        raise BadInput(
            f"not a program with its arguments: {text!r}",
            hint="quote it as a whole: --token-command 'op read op://infra/qstash/token'",
        )
    return words


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What to store."""

    api_url: str | None = flag("Base URL of the API", metavar="URL", parse=_url)
    token_stdin: bool = flag("Read the token from standard input")
    token_env: str | None = flag(
        "Take the token from this variable, at each run", metavar="VARIABLE", parse=_variable
    )
    token_command: tuple[str, ...] = flag(
        "Take what this program prints as the token, at each run",
        metavar="COMMAND",
        parse=_command,
        default=(),
    )
    keys_stdin: bool = flag("Read the current and next signing key, a line each")
    plan: str | None = flag(
        "Plan to check limits against", metavar="PLAN", parse=_plan, complete="plan"
    )


@command(app, "list", connects=False)
def list_(inv: Invocation) -> Result:
    """List the profiles. Secrets are masked.

    \b
    qstash config list
    qstash config list -o json
    """
    return Result(data=[_record(inv, name) for name in inv.profiles.profiles], view=_LIST)


@command(app, view=_ORIGINS)
def show(
    inv: Invocation,
    name: Annotated[
        str | None,
        typer.Argument(
            help="The profile, as with -p",
            metavar="[NAME]",
            show_default=False,
            autocompletion=values("profile"),
        ),
    ] = None,
) -> Result:
    """Show what commands would use, and which flag, variable, file or profile says so.

    Secrets are masked, and no token command is run. Exits 3 if there are no credentials.

    \b
    qstash config show
    qstash config show prod
    qstash config show --env-file .env -o json
    """
    from qstash_cli.config.origins import origins
    from qstash_cli.config.profiles import unknown_profile

    given = inv.given
    if name is not None:
        if name not in inv.profiles.profiles:
            raise unknown_profile(name, inv.profiles.profiles)
        given = replace(given, profile=name)
    found, failure = origins(given, inv.variables, inv.profiles, inv.config_file)
    return Result(data=[vars(one) for one in found], view=_ORIGINS, failure=failure)


@command(app, "set", connects=False)
def set_(inv: Invocation, name: _Name, *, changes: Changes) -> Result:
    """Make or change a profile.

    The token is asked for without being shown, or read from standard input; it is never an
    argument. The first profile becomes the default one.

    \b
    qstash config set prod
    qstash config set prod --token-stdin < token.txt
    qstash config set ci --token-command "op read op://infra/qstash/token" --plan payg
    """
    from qstash_cli.config.profiles import save

    save(inv.config_file, name, _read(inv, name, changes))
    inv.note(f"profile {name} is stored in {inv.config_file}")
    return _stored(inv, name)


@command(app, connects=False)
def use(inv: Invocation, name: _Name) -> Result:
    """Make a profile the default one.

    \b
    qstash config use prod
    qstash config use staging
    """
    from qstash_cli.config.profiles import use as make_default

    make_default(inv.config_file, name)
    return _stored(inv, name)


@command(app, connects=False)
def remove(inv: Invocation, name: _Name, *, confirm: Confirm) -> Result:
    """Remove a profile.

    \b
    qstash config remove staging --yes
    qstash config remove staging -y
    """
    from qstash_cli.config.profiles import remove as remove_profile
    from qstash_cli.config.profiles import unknown_profile

    if name not in inv.profiles.profiles:
        raise unknown_profile(name, inv.profiles.profiles)
    inv.confirm(f"Remove the profile {name}?", yes=confirm.yes)
    remove_profile(inv.config_file, name)
    return Result(data=[], view=_LIST, text="")


@command(app, connects=False)
def path(inv: Invocation) -> Result:
    """Print where the profiles are kept.

    \b
    qstash config path
    qstash config path -o json
    """
    record = {"path": str(inv.config_file)}
    return Result(data=record, view=_PATH, on_terminal="ids", piped="ids")


def _read(inv: Invocation, name: str, changes: Changes) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: value
        for key, value in (
            ("api_url", changes.api_url),
            ("token_env", changes.token_env),
            ("token_command", changes.token_command),
            ("plan", changes.plan),
        )
        if value
    }
    tokens = [changes.token_stdin, bool(changes.token_env), bool(changes.token_command)]
    if sum(tokens) > 1:
        raise BadInput(
            "more than one source of the token",
            hint="give one of --token-stdin, --token-env and --token-command",
        )
    if changes.token_stdin or (
        not any(tokens) and _asks_for_token(inv, name, is_all=not found and not changes.keys_stdin)
    ):
        found["token"] = _token(inv, name)
    if changes.keys_stdin:
        found["current_signing_key"] = _secret(inv, "current signing key")
        found["next_signing_key"] = _secret(inv, "next signing key")
    return found


def _asks_for_token(inv: Invocation, name: str, *, is_all: bool) -> bool:
    """Whether the token is what is to be set, or what a new profile still lacks."""
    if is_all:
        return True
    profile = inv.profiles.profiles.get(name)
    if profile and (profile.token or profile.token_env or profile.token_command):
        return False
    if not inv.stdin_is_terminal:
        inv.note(f"it has no token yet; `qstash config set {name} --token-stdin` reads it")
    return inv.stdin_is_terminal


def _token(inv: Invocation, name: str) -> str:
    token = _secret(inv, f"token of {name}")
    if mistaken := mistaken_for_token(token):
        what, fix = mistaken
        raise BadInput(f"that is {what}, not a token", hint=f"{fix}; nothing was changed")
    return token


def _secret(inv: Invocation, what: str) -> str:
    secret = inv.read_secret(what).strip("\"'")
    if not secret:
        raise BadInput(f"the {what} is empty", hint="nothing was changed")
    return secret


def _stored(inv: Invocation, name: str) -> Result:
    inv.__dict__.pop("profiles", None)
    return Result(data=_record(inv, name), view=_VIEW, piped="ids")


def _record(inv: Invocation, name: str) -> dict[str, Any]:
    from qstash_cli.config.credentials import mask

    profile = inv.profiles.profiles[name]
    token = mask(profile.token) if profile.token else None
    if profile.token_env:
        token = f"from ${profile.token_env}"
    if profile.token_command:
        token = f"from `{profile.token_command[0]}`"
    return {
        "name": name,
        "default": name == inv.profiles.default,
        "apiUrl": profile.api_url,
        "token": token,
        "currentSigningKey": _masked(profile.current_signing_key),
        "nextSigningKey": _masked(profile.next_signing_key),
        "plan": profile.plan,
    }


def _masked(secret: str | None) -> str | None:
    from qstash_cli.config.credentials import mask

    return mask(secret) if secret else None
