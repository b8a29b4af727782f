"""Options and secrets of `qstash config set`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.errors import BadInput
from qstash_cli.protocol.limits import PLANS
from qstash_cli.protocol.tokens import is_token_shaped, unusable_token

_REST_BYTES = 65536


def _plan(text: str) -> str:
    if text not in PLANS:
        raise BadInput(f"not a plan: {text!r}", hint=f"one of {', '.join(PLANS)}")
    return text


def _url(text: str) -> str:
    from qstash_cli.config.urls import validate_url

    # Every run that uses the URL checks for --insecure.
    return validate_url(text, insecure=True)


def _variable(text: str) -> str:
    # If the user pastes the token itself, the error must not display it.
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise BadInput("that is not the name of a variable", hint="write it as --token-env NAME")
    return text


def _command(text: str) -> tuple[str, ...]:
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
class ProfileChanges:
    """The values to store."""

    api_url: str | None = flag("Base URL of the API", metavar="URL", parse=_url)
    token_stdin: bool = flag("Read the token from standard input")
    token_env: str | None = flag(
        "Variable that the token is read from at each run", metavar="VARIABLE", parse=_variable
    )
    token_command: tuple[str, ...] = flag(
        "Command that prints the token at each run",
        metavar="COMMAND",
        parse=_command,
        default=(),
    )
    keys_stdin: bool = flag(
        "Read the current and next signing keys from standard input, one per line"
    )
    plan: str | None = flag(
        "Plan whose limits are checked", metavar="PLAN", parse=_plan, complete="plan"
    )


def read_changes(ctx: Context, name: str, changes: ProfileChanges) -> dict[str, object]:
    """Returns the keys to store, with secrets from prompts or standard input. Raises `BadInput`."""
    found: dict[str, object] = {
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
        not any(tokens) and _asks_for_token(ctx, name, is_all=not found and not changes.keys_stdin)
    ):
        found["token"] = _token(ctx, name)
    if changes.keys_stdin:
        found["current_signing_key"] = _secret(ctx, "current signing key")
        found["next_signing_key"] = _secret(ctx, "next signing key")
    if not ctx.streams.stdin_is_terminal and {"token", "current_signing_key"} & set(found):
        _refuse_further_lines(ctx, found)
    return found


def _refuse_further_lines(ctx: Context, found: Mapping[str, object]) -> None:
    # A second line is a mistake: storing only the first line would look like success.
    if ctx.streams.stdin.read(_REST_BYTES).strip():
        lines = sum(name.endswith(("token", "signing_key")) for name in found)
        raise BadInput(
            f"standard input has more than {lines} line{'s' if lines > 1 else ''}",
            hint="pipe in only the secrets, one per line; nothing was changed",
        )


def _asks_for_token(ctx: Context, name: str, *, is_all: bool) -> bool:
    """Whether to prompt for the token: it was requested, or a new profile has no token."""
    if is_all:
        if ctx.options.automation.no_input:
            raise BadInput(
                "nothing to store, and --no-input disables the prompt",
                hint="--token-stdin reads the token; nothing was changed",
            )
        return True
    profile = ctx.config.profiles.profiles.get(name)
    if profile and (profile.token or profile.token_env or profile.token_command):
        return False
    may_ask = ctx.streams.stdin_is_terminal and not ctx.options.automation.no_input
    if not may_ask:
        ctx.note(f"it has no token yet; `qstash config set {name} --token-stdin` reads it")
    return may_ask


def _token(ctx: Context, name: str) -> str:
    token = _secret(ctx, f"token of {name}")
    if unusable := unusable_token(token):
        why, fix = unusable
        raise BadInput(why, hint=f"{fix}; nothing was changed")
    if not is_token_shaped(token):
        ctx.warn("the token does not have the form of a QStash token; `qstash doctor` tries it out")
    return token


def _secret(ctx: Context, what: str) -> str:
    secret = ctx.read_secret(what).strip("\"'")
    if not secret:
        raise BadInput(f"the {what} is empty", hint="nothing was changed")
    return secret
