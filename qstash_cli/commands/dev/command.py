"""`qstash dev`: the embedded server, alone or around a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.cli.signals import Terminated, unwinding
from qstash_cli.commands.common.variable_lines import server_variables, shell_lines
from qstash_cli.commands.common.views import RAW
from qstash_cli.commands.dev.clock import ACTIONS, CLOCK, change
from qstash_cli.commands.dev.mcp_endpoint import mcp_endpoint
from qstash_cli.commands.dev.options import DevOptions, with_variables
from qstash_cli.commands.dev.ready_file import ready_file
from qstash_cli.commands.dev.snapshot import ACTIONS as SNAPSHOT_ACTIONS
from qstash_cli.commands.dev.snapshot import SNAPSHOT, save_or_load
from qstash_cli.commands.dev.tracing import span_export
from qstash_cli.commands.dev.watch import Watch, watching
from qstash_cli.errors import BadInput, ExitCode, QstashError, SilentExit
from qstash_cli.output.result import Result
from qstash_cli.protocol.dev_credentials import DEV_PORT, DEV_USER, DEV_USERS, Credentials
from qstash_cli.protocol.limits import DEV_QUOTAS, PLANS, UNLIMITED

if TYPE_CHECKING:
    from subprocess import Popen

    from qstash_cli.server.run import OnRunning, Running, ServerConfig

app = group()

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@command(app, connects=False, default=True)
def dev(
    ctx: Context,
    run: Annotated[
        list[str] | None,
        Argument("Command to run against a private server", "CMD"),
    ] = None,
    *,
    serving: DevOptions,
) -> Result:
    """Run the embedded QStash server.

    Prints lines to paste into another shell. With a command after --, starts a private server on a
    free port, runs the command with the QSTASH_* variables set, and exits with its exit code.
    --seed is applied before the server reports that it is ready. Writes a line to standard error
    for each publish, delivery, retry, failure and refused request; --quiet turns them off, -v adds
    all requests, headers and bodies, and -o jsonl writes them to standard output as JSON.
    If OTEL_EXPORTER_OTLP_ENDPOINT is set, exports traces; that needs the extra: pip install
    'qstash-cli[otel]'.

    \b
    qstash dev --db qstash.db --seed qstash.toml
    qstash dev --port 0 --ready-file dev.env
    qstash dev --route https://app.example.com=http://127.0.0.1:3000
    qstash dev --clock manual
    qstash dev --fault deliver:error=5%,duplicate=1% --fault-seed 7
    qstash dev -o jsonl | jq 'select(.event == "failed")'
    qstash dev -- pytest
    """
    serving = with_variables(ctx, serving, is_private=run is not None)
    _validate_files(serving)
    with unwinding(), ready_file(serving.ready_file) as write:
        users, user = _users(ctx, serving)
        prepare = _preparation(ctx, serving, user, write)
        with watching(ctx, is_private=run is not None) as watch:
            config = replace(
                _config(serving, users, user),
                mcp=mcp_endpoint(ctx),
                spans=span_export(ctx),
                **watch.settings,
            )
            if run is None:
                code: int = _alone(ctx, config, user, prepare, watch)
            else:
                code = _around(ctx, config, user, prepare, run)
    return Result(data=[], view=RAW, text="", error=SilentExit(code))


@dataclass(frozen=True, kw_only=True)
class ClockOptions:
    """How the clock is moved."""

    skip: bool = flag("With set: run no schedules for the times in between")


@command(app, view=CLOCK)
def clock(
    ctx: Context,
    action: Annotated[
        str | None,
        Argument("advance, jump-to-next or set; none shows the clock", "ACTION", "|".join(ACTIONS)),
    ] = None,
    value: Annotated[str | None, Argument("Duration for advance, time for set", "VALUE")] = None,
    *,
    options: ClockOptions,
) -> Result:
    """Show or move the clock of a running `qstash dev`.

    With --clock manual, everything that is due on the way happens in order and at its own time:
    delays, retries, schedules and timeouts. The command returns when the deliveries have ended. Any
    other clock jumps at once.

    \b
    qstash dev clock
    qstash dev clock advance 1h
    qstash dev clock jump-to-next
    qstash dev clock set 2030-03-29T02:00:00Z
    """
    return change(ctx, action, value, skips=options.skip)


@command(app, view=SNAPSHOT)
def snapshot(
    ctx: Context,
    action: Annotated[str, Argument("save or load", "ACTION", "|".join(SNAPSHOT_ACTIONS))],
    file: Annotated[str, Argument("File of the snapshot", "FILE")],
) -> Result:
    """Save the data of a running `qstash dev`, or replace it by saved data.

    A snapshot has messages, logs, the DLQ, schedules, queues and signing keys, so it is private.
    Load changes nothing if the snapshot is damaged or from a newer version.

    \b
    qstash dev snapshot save fixture.db
    qstash dev snapshot load fixture.db
    """
    return save_or_load(ctx, action, file)


def _validate_files(serving: DevOptions) -> None:
    for flag_name, other in (("--seed", serving.seed), ("--db", serving.db)):
        if serving.ready_file is not None and serving.ready_file == other:
            raise BadInput(f"--ready-file would take the place of the file of {flag_name}")


def _users(ctx: Context, serving: DevOptions) -> tuple[tuple[Credentials, ...], Credentials]:
    """The users of the server, and the one whose variables are printed."""
    if serving.host in _LOOPBACK:
        return DEV_USERS, serving.user or DEV_USER
    if serving.user is not None:
        raise BadInput(
            f"the credentials of {serving.user.name} are public, and others may reach "
            f"{serving.host}",
            hint="leave out --user or --host; a server for others makes random credentials",
        )
    user = Credentials(
        name=DEV_USER.name,
        token=ctx.new_id("token"),
        current_signing_key=ctx.new_id("sig"),
        next_signing_key=ctx.new_id("sig"),
    )
    return (user,), user


def _config(serving: DevOptions, users: tuple[Credentials, ...], user: Credentials) -> ServerConfig:
    from qstash_cli.server.run import ServerConfig

    port = DEV_PORT if serving.port is None else serving.port
    if port and port == serving.log_port:
        raise BadInput(f"--log-port is the same as the port: {port}")
    plan = DEV_QUOTAS[serving.quota or "none"]
    return ServerConfig(
        host=serving.host,
        port=port,
        log_port=serving.log_port,
        db=Path(serving.db) if serving.db is not None else None,
        routes=serving.route,
        speed=0.0 if serving.clock == "manual" else serving.speed,
        limits=PLANS[plan] if plan else UNLIMITED,
        users=users,
        faults=serving.fault,
        fault_seed=serving.fault_seed,
        has_console=not serving.no_console,
        console_user=user,
        api_origin=serving.console_origin,
    )


def _preparation(
    ctx: Context, serving: DevOptions, user: Credentials, write: Callable[[str], None]
) -> OnRunning | None:
    """Returns what runs while the server accepts requests and before it is announced."""
    if serving.seed is None and serving.ready_file is None:
        return None
    apply: Callable[[str], None] = _seeding(ctx, serving, user.token)

    def prepare(running: Running) -> None:
        apply(running.addresses.url)
        write(_announcement(running, user.name))

    return prepare


def _seeding(ctx: Context, serving: DevOptions, token: str) -> Callable[[str], None]:
    file = serving.seed
    if file is None:
        return lambda _url: None
    from qstash_cli.commands.dev.seeding import read_seed, seed

    manifest = read_seed(ctx, file, DEV_QUOTAS[serving.quota or "none"])
    return lambda url: seed(ctx, file, manifest, url, token)


def _announcement(running: Running, name: str) -> str:
    addresses = running.addresses
    lines = shell_lines(server_variables(addresses.url, running.user(name)))
    if addresses.log_url is not None:
        lines.append(f"# The port of the logs is that of {addresses.log_url}")
    return "\n".join([*lines, f"# QStash is running at {addresses.url}", ""])


def _alone(
    ctx: Context,
    config: ServerConfig,
    user: Credentials,
    prepare: OnRunning | None,
    watch: Watch,
) -> ExitCode:
    from qstash_cli.server.run import serve

    def announce(running: Running) -> None:
        text = watch.ready_line(running, user.name) or _announcement(running, user.name)
        ctx.streams.out.write(text)
        ctx.streams.out.flush()
        watch.write_banner(running, user, has_console=config.has_console)

    serve(config, announce, prepare)
    return ExitCode.DONE


def _around(
    ctx: Context,
    config: ServerConfig,
    user: Credentials,
    prepare: OnRunning | None,
    run: Sequence[str],
) -> int:
    import subprocess

    from qstash_cli.server.run import running_server

    started: list[Running] = []

    def prepare_and_keep(running: Running) -> None:
        started.append(running)
        if prepare is not None:
            prepare(running)

    with running_server(config, prepare_and_keep) as url:
        env = {n: v for n, v in ctx.system.env.items() if not n.startswith("QSTASH_")}
        try:
            child = subprocess.Popen(  # noqa: S603 - the user's own command
                list(run), env=env | server_variables(url, started[0].user(user.name))
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
