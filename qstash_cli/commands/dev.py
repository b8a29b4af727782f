"""`qstash dev`: the embedded server, alone or around a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qstash_cli.commands._options import parse_count
from qstash_cli.commands._signature import command, group
from qstash_cli.commands._views import RAW
from qstash_cli.errors import BadInput, ExitCode, QstashError
from qstash_cli.flags import flag
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result
from qstash_cli.protocol.dev_credentials import DEV_PORT, DEV_USER, Credentials
from qstash_cli.protocol.limits import PLANS, UNLIMITED

if TYPE_CHECKING:
    from subprocess import Popen

    from qstash_cli.server.run import ServerConfig

app = group("The embedded QStash server")

_MOST_PORTS = 65_535
# What QStash's own development server calls pro are the fixed plans of today.
_LIMITS = {"none": UNLIMITED, "pro": PLANS["fixed"], **PLANS}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def parse_port(text: str, _now: float) -> int:
    """A port. Raises `BadInput`."""
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_PORTS):
        raise BadInput(f"not a port: {text!r}", hint="0 picks a free one")
    return int(text)


def _route(text: str, _now: float) -> tuple[str, str]:
    origin, equals, target = text.partition("=")
    if not equals or not all(url.startswith(("http://", "https://")) for url in (origin, target)):
        raise BadInput(
            f"not FROM=TO: {text!r}", hint="write https://app.example.com=http://127.0.0.1:3000"
        )
    return origin, target


def _speed(text: str, now: float) -> float:
    return float(parse_count(text, now))


def _plan(text: str, _now: float) -> str:
    if text not in _LIMITS:
        raise BadInput(f"not a plan: {text!r}", hint=f"one of none, {', '.join(PLANS)}")
    return text


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How to serve."""

    port: int | None = flag(
        f"Port, 0 for a free one (default {DEV_PORT})", metavar="PORT", parse=parse_port
    )
    host: str = flag("Address to bind to", metavar="HOST", default="127.0.0.1")
    db: str | None = flag("Keep everything in this SQLite file", metavar="FILE")
    route: tuple[tuple[str, str], ...] = flag(
        "Deliver these URLs elsewhere, signed as they are",
        metavar="FROM=TO",
        repeats=True,
        parse=_route,
    )
    speed: float = flag("Let time pass N times faster", metavar="N", parse=_speed, default=1.0)
    quota: str = flag(
        "Refuse what this plan does not allow: free, payg or fixed",
        metavar="PLAN",
        parse=_plan,
        default="none",
        complete="free|payg|fixed",
    )


@command(app, connects=False)
def dev(
    inv: Invocation,
    run: Annotated[
        list[str] | None,
        typer.Argument(help="A command to run against a fresh server", metavar="[-- CMD...]"),
    ] = None,
    *,
    serving: Serving,
) -> Result:
    """Run QStash on this machine.

    Prints the lines to paste into another shell. With a command after --, runs it against a
    private server on a free port, with the QSTASH_* variables set, and exits as it does.

    \b
    qstash dev --db qstash.db
    qstash dev --route https://app.example.com=http://127.0.0.1:3000
    qstash dev -- pytest
    """
    config = _config(inv, serving, is_private=run is not None)
    code = _around(inv, config, run) if run is not None else _alone(inv, config)
    return Result(data=[], view=RAW, text="", exit_code=code)


def _config(inv: Invocation, serving: Serving, *, is_private: bool) -> ServerConfig:
    from qstash_cli.server.run import ServerConfig

    default_port = 0 if is_private else DEV_PORT
    credentials = DEV_USER
    if serving.host not in _LOOPBACK:
        # The development credentials are public, and this address may be reached by others.
        credentials = Credentials(
            token=inv.new_id("token"),
            current_signing_key=inv.new_id("sig"),
            next_signing_key=inv.new_id("sig"),
        )
    return ServerConfig(
        host=serving.host,
        port=default_port if serving.port is None else serving.port,
        db=Path(serving.db) if serving.db is not None else None,
        routes=serving.route,
        speed=serving.speed,
        limits=_LIMITS[serving.quota],
        credentials=credentials,
    )


def environment(url: str, credentials: Credentials) -> dict[str, str]:
    """The variables that lead the SDKs and `qstash` itself to a server."""
    return {
        "QSTASH_URL": url,
        "QSTASH_TOKEN": credentials.token,
        "QSTASH_CURRENT_SIGNING_KEY": credentials.current_signing_key,
        "QSTASH_NEXT_SIGNING_KEY": credentials.next_signing_key,
    }


def _alone(inv: Invocation, config: ServerConfig) -> ExitCode:
    from qstash_cli.server.run import serve

    def announce(url: str) -> None:
        lines = [f"export {n}='{v}'" for n, v in environment(url, config.credentials).items()]
        inv.out.write("\n".join([*lines, f"# QStash is running at {url}", ""]))
        inv.out.flush()

    serve(config, announce)
    return ExitCode.DONE


def _around(inv: Invocation, config: ServerConfig, run: Sequence[str]) -> int:
    import subprocess

    from qstash_cli.server.run import running_server

    with running_server(config) as url:
        env = {n: v for n, v in inv.env.items() if not n.startswith("QSTASH_")}
        try:
            child = subprocess.Popen(  # noqa: S603 - the user's own command
                list(run), env=env | environment(url, config.credentials)
            )
        except OSError as fault:
            raise QstashError(
                f"the command cannot be run: {run[0]}", hint=(fault.strerror or "").lower()
            ) from None
        return _exit_code(child)


def _exit_code(child: Popen[bytes]) -> int:
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            # Ctrl-C reaches the child too, and how to end is its decision.
            continue
        return code if code >= 0 else 128 - code
