"""`qstash dev`: the embedded server, alone or around a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli.registry import command, group
from qstash_cli.commands._interrupts import Terminated, unwinding
from qstash_cli.commands._options import parse_count
from qstash_cli.commands._ready_file import ready_file
from qstash_cli.commands._variables import shell_lines, variables
from qstash_cli.commands._views import RAW
from qstash_cli.errors import BadInput, ExitCode, QstashError
from qstash_cli.flags import Argument, flag
from qstash_cli.frozen import dataclass
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result
from qstash_cli.protocol.dev_credentials import DEV_PORT, DEV_USER, Credentials
from qstash_cli.protocol.limits import PLANS, UNLIMITED

if TYPE_CHECKING:
    from subprocess import Popen

    from qstash_cli.server.listening import Addresses
    from qstash_cli.server.run import ServerConfig, Told

app = group()

_MOST_PORTS = 65_535
# What QStash's own development server calls pro are the fixed plans of today.
_PLANS = {"none": None, **{name: name for name in PLANS}, "pro": "fixed"}
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
    if text not in _PLANS:
        raise BadInput(f"not a plan: {text!r}", hint=f"one of {', '.join(_PLANS)}")
    return text


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How to serve."""

    # QStash's own development server writes its flags with one dash.
    port: int | None = flag(
        f"Port, 0 for a free one (default {DEV_PORT})",
        "-port",
        "--port",
        metavar="PORT",
        parse=parse_port,
    )
    log_port: int | None = flag(
        "Answer on this port too; QStash's own server has the logs there",
        "-log-port",
        "--log-port",
        metavar="PORT",
        parse=parse_port,
    )
    host: str = flag("Address to bind to", metavar="HOST", default="127.0.0.1")
    db: str | None = flag("Keep everything in this SQLite file", metavar="FILE")
    seed: str | None = flag("Start with what this manifest says, see `apply`", metavar="FILE")
    ready_file: str | None = flag(
        "Write the lines into this file while it is running", metavar="FILE"
    )
    route: tuple[tuple[str, str], ...] = flag(
        "Deliver these URLs elsewhere, signed as they are",
        metavar="FROM=TO",
        repeats=True,
        parse=_route,
    )
    speed: float = flag("Let time pass N times faster", metavar="N", parse=_speed, default=1.0)
    quota: str = flag(
        "Refuse what this plan does not allow: free, payg, fixed or pro",
        "-quota",
        "--quota",
        metavar="PLAN",
        parse=_plan,
        default="none",
        complete="free|payg|fixed|pro",
    )


@command(app, connects=False)
def dev(
    inv: Invocation,
    run: Annotated[
        list[str] | None,
        Argument("A command to run against a fresh server", "CMD"),
    ] = None,
    *,
    serving: Serving,
) -> Result:
    """Run QStash on this machine.

    Prints the lines to paste into another shell. With a command after --, runs it against a
    private server on a free port, with the QSTASH_* variables set, and exits as it does. It is
    ready once it says so, and --seed is applied by then.

    \b
    qstash dev --db qstash.db --seed qstash.toml
    qstash dev --port 0 --ready-file dev.env
    qstash dev --route https://app.example.com=http://127.0.0.1:3000
    qstash dev -- pytest
    """
    _check_files(serving)
    with unwinding(), ready_file(serving.ready_file) as write:
        config = _config(inv, serving, is_private=run is not None)
        prepare = _preparation(inv, serving, config, write)
        code = _alone(inv, config, prepare) if run is None else _around(inv, config, prepare, run)
    return Result(data=[], view=RAW, text="", exit_code=code)


def _check_files(serving: Serving) -> None:
    for flag_name, other in (("--seed", serving.seed), ("--db", serving.db)):
        if serving.ready_file is not None and serving.ready_file == other:
            raise BadInput(f"--ready-file would take the place of the file of {flag_name}")


def _config(inv: Invocation, serving: Serving, *, is_private: bool) -> ServerConfig:
    from qstash_cli.server.run import ServerConfig

    default_port = 0 if is_private else DEV_PORT
    port = default_port if serving.port is None else serving.port
    if port and port == serving.log_port:
        raise BadInput(f"--log-port is the same as the port: {port}")
    credentials = DEV_USER
    if serving.host not in _LOOPBACK:
        # The development credentials are public, and this address may be reached by others.
        credentials = Credentials(
            token=inv.new_id("token"),
            current_signing_key=inv.new_id("sig"),
            next_signing_key=inv.new_id("sig"),
        )
    plan = _PLANS[serving.quota]
    return ServerConfig(
        host=serving.host,
        port=port,
        log_port=serving.log_port,
        db=Path(serving.db) if serving.db is not None else None,
        routes=serving.route,
        speed=serving.speed,
        limits=PLANS[plan] if plan else UNLIMITED,
        credentials=credentials,
    )


def _preparation(
    inv: Invocation, serving: Serving, config: ServerConfig, write: Callable[[str], None]
) -> Told | None:
    """What is done between the first answer and the word that it is ready."""
    if serving.seed is None and serving.ready_file is None:
        return None
    apply: Callable[[str], None] = _seeding(inv, serving, config.credentials.token)

    def prepare(addresses: Addresses) -> None:
        apply(addresses.url)
        write(_told(addresses, config.credentials))

    return prepare


def _seeding(inv: Invocation, serving: Serving, token: str) -> Callable[[str], None]:
    file = serving.seed
    if file is None:
        return lambda _url: None
    from qstash_cli.commands._seeding import read_seed, seed

    manifest = read_seed(inv, file, _PLANS[serving.quota])
    return lambda url: seed(inv, file, manifest, url, token)


def environment(url: str, credentials: Credentials) -> dict[str, str]:
    """The variables that lead the SDKs and `qstash` itself to a server."""
    found = variables(
        url, credentials.token, credentials.current_signing_key, credentials.next_signing_key
    )
    return {name: value for name, value in found.items() if value is not None}


def _told(addresses: Addresses, credentials: Credentials) -> str:
    lines = shell_lines(environment(addresses.url, credentials))
    if addresses.log_url is not None:
        lines.append(f"# The port of the logs is that of {addresses.log_url}")
    return "\n".join([*lines, f"# QStash is running at {addresses.url}", ""])


def _alone(inv: Invocation, config: ServerConfig, prepare: Told | None) -> ExitCode:
    from qstash_cli.server.run import serve

    def announce(addresses: Addresses) -> None:
        inv.out.write(_told(addresses, config.credentials))
        inv.out.flush()

    serve(config, announce, prepare)
    return ExitCode.DONE


def _around(inv: Invocation, config: ServerConfig, prepare: Told | None, run: Sequence[str]) -> int:
    import subprocess

    from qstash_cli.server.run import running_server

    with running_server(config, prepare) as url:
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
        except Terminated:
            child.terminate()
            continue
        return code if code >= 0 else 128 - code
