"""The questions and checks of `qstash config login`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from qstash_cli.cli.context import Context
from qstash_cli.client.api import keys
from qstash_cli.client.diagnostics import Measurement, measure
from qstash_cli.commands.common.token_regions import READ, other_regions
from qstash_cli.commands.config.login_options import LoginOptions
from qstash_cli.commands.config.profile_changes import ProfileChanges, read_changes
from qstash_cli.config.urls import region_of
from qstash_cli.errors import BadCredentials, BadInput, QstashError
from qstash_cli.protocol.destination import is_loopback
from qstash_cli.protocol.records import SigningKeys

_ATTEMPTS = 3
_TIMEOUT_S = 10.0
_MAX_WAIT_S = 2.0
_UNSAVED = "nothing was saved"


class Login(NamedTuple):
    """The keys to store in a profile. `has_signing_keys` is false if the token may not read them.

    `place` is the region, or the URL of another server.
    """

    changes: Mapping[str, object]
    has_signing_keys: bool
    place: str


def validate_may_ask(ctx: Context, name: str, options: LoginOptions) -> None:
    """Raises `BadInput` if there are questions that no user can answer."""
    if options.region and options.api_url:
        raise BadInput("--region and --api-url cannot be combined", hint="omit one of them")
    streams = ctx.streams
    is_terminal = streams.stdin_is_terminal and streams.err_is_terminal
    if options.with_token or (is_terminal and not ctx.options.automation.no_input):
        return
    why = "--no-input is set" if is_terminal else "there is no terminal"
    raise BadInput(
        f"cannot ask for the token: {why}",
        hint=f"pipe it in: `qstash config login {name} --with-token < token.txt`",
    )


def log_in(ctx: Context, name: str, options: LoginOptions, regions: Mapping[str, str]) -> Login:
    """Asks for region and token, checks them with the API, and reads the signing keys.

    Raises `BadInput` for a text that is not a token, `BadCredentials` for one that is rejected, and
    `Unreachable`.
    """
    url = options.api_url or regions.get(options.region or "")
    if url is None:
        url = next(iter(regions.values())) if options.with_token else _asked_url(ctx, regions)
    found = read_changes(ctx, name, ProfileChanges(api_url=url, token_stdin=True))
    signing_keys = _checked(ctx, name, url, str(found["token"]), regions)
    found["current_signing_key"] = signing_keys["current"] if signing_keys else None
    found["next_signing_key"] = signing_keys["next"] if signing_keys else None
    return Login(found, signing_keys is not None, region_of(url, regions) or url)


def report(ctx: Context, name: str, login: Login) -> str | None:
    """Returns what was saved and what to try next, for a terminal; None in a pipe."""
    if not login.has_signing_keys:
        ctx.warn("the token may not read the signing keys; `verify` and `listen` need them")
    if not ctx.streams.out_is_terminal:
        return None
    # A new context reads the profiles again.
    flags = "" if _is_in_use(ctx.with_options(ctx.options), name) else f" -p {name}"
    saved = "the token and the signing keys" if login.has_signing_keys else "the token"
    return (
        f"QStash accepts the token ({login.place}).\n"
        f"Saved {saved} as profile {name} in {ctx.config.file}\n\n"
        "Try next:\n"
        f"  qstash doctor{flags}\n"
        f"  qstash publish https://example.com/hook -d hello --wait{flags}\n"
        f"  qstash logs{flags}\n"
    )


def _is_in_use(ctx: Context, name: str) -> bool:
    """Whether commands use this profile without -p."""
    from qstash_cli.config.credentials import chosen

    environment = ctx.config.flags.environment(ctx.config.variables)
    source = chosen(ctx.config.flags, environment, ctx.config.profiles, ctx.system.run_command)
    return source.profile is not None and source.profile.name == name


def _asked_url(ctx: Context, regions: Mapping[str, str]) -> str:
    """Asks for a number, name or URL of a region. Raises `BadInput` after three wrong answers."""
    from qstash_cli.cli import prompts

    names = list(regions)
    width = max(len(name) for name in names)
    ctx.say("Region of your account, as the console displays it:")
    for number, name in enumerate(names, 1):
        ctx.say(f"  {number}  {name:{width}}  {regions[name]}")
    choices = {str(number): regions[name] for number, name in enumerate(names, 1)}
    choices |= {"": regions[names[0]]} | dict(regions) | {url: url for url in regions.values()}
    for _ in range(_ATTEMPTS):
        answer = prompts.line("Region [1]", ctx.streams.stdin, ctx.streams.err)
        if url := choices.get(answer.rstrip("/")):
            return url
        ctx.say(f"Not a region: {answer!r}. Enter a number or a name.")
    raise BadInput("no region was chosen", hint=f"add --region NAME or --api-url URL; {_UNSAVED}")


def _checked(
    ctx: Context, name: str, url: str, token: str, regions: Mapping[str, str]
) -> SigningKeys | None:
    """Returns the signing keys of the account, None if the token may not read them."""
    client = ctx.open_client(
        url, token, is_local=is_loopback(url), request_timeout_s=_TIMEOUT_S, max_wait_s=_MAX_WAIT_S
    )
    try:
        client.page(READ)
        try:
            return keys.validated(client.send(keys.get()))
        except BadCredentials:
            return None
    except BadCredentials as error:
        raise _rejected(ctx, name, url, token, regions=regions, error=error) from None
    except QstashError as error:
        error.hint = f"{error.hint}; {_UNSAVED}" if error.hint else _UNSAVED
        raise
    finally:
        client.close()


def _rejected(
    ctx: Context,
    name: str,
    url: str,
    token: str,
    *,
    regions: Mapping[str, str],
    error: BadCredentials,
) -> BadCredentials:
    """Returns the error for a rejected token, which names the region that it belongs to, if any."""
    here = region_of(url, regions)
    if here is not None:
        found = other_regions(here, regions, lambda other: _asked(ctx, other, token)).accepting
        if found is not None:
            return BadCredentials(
                f"the token belongs to the region {found}, not to {here}",
                hint=f"`qstash config login {name} --region {found}`; {_UNSAVED}",
            )
    return BadCredentials(
        error.message,
        hint=f"copy QSTASH_TOKEN from the console again, for this account and region; {_UNSAVED}",
    )


def _asked(ctx: Context, url: str, token: str) -> Measurement:
    client = ctx.open_client(url, token, is_local=is_loopback(url), request_timeout_s=_TIMEOUT_S)
    try:
        return measure(client, READ, now=ctx.system.now, limit_s=_TIMEOUT_S)
    finally:
        client.close()
