"""The flags of `qstash dev`, and the variables that stand in for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.errors import BadInput
from qstash_cli.protocol.dev_credentials import DEV_PORT, DEV_USERS, Credentials
from qstash_cli.protocol.faults import FaultPlan, parse_faults
from qstash_cli.protocol.limits import DEV_QUOTAS
from qstash_cli.protocol.numbers import parse_count, parse_port, parse_whole_number

_USERS = {user.name: user for user in DEV_USERS}


def _route(text: str) -> tuple[str, str]:
    origin, equals, target = text.partition("=")
    if not equals or not all(url.startswith(("http://", "https://")) for url in (origin, target)):
        raise BadInput(
            f"not FROM=TO: {text!r}", hint="write https://app.example.com=http://127.0.0.1:3000"
        )
    return origin, target


def _origin(text: str) -> str:
    parts = urlsplit(text)
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in {"http", "https"} or not parts.hostname or text != origin:
        raise BadInput(f"not an origin: {text!r}", hint="write https://console.upstash.com")
    return text


def _speed(text: str) -> float:
    return float(parse_count(text))


def _clock(text: str) -> str:
    if text not in {"running", "manual"}:
        raise BadInput(f"not a kind of clock: {text!r}", hint="one of running, manual")
    return text


def _plan(text: str) -> str:
    if text not in DEV_QUOTAS:
        raise BadInput(f"not a plan: {text!r}", hint=f"one of {', '.join(DEV_QUOTAS)}")
    return text


def _user(text: str) -> Credentials:
    if text not in _USERS:
        raise BadInput(f"not a development user: {text!r}", hint=f"one of {', '.join(_USERS)}")
    return _USERS[text]


@dataclass(frozen=True, kw_only=True)
class DevOptions:
    """How to serve."""

    # QStash's own development server writes its flags with one dash.
    port: int | None = flag(
        f"Port; 0 picks a free one [default: QSTASH_DEV_PORT or {DEV_PORT}]",
        "-port",
        "--port",
        metavar="PORT",
        parse=parse_port,
    )
    log_port: int | None = flag(
        "Second port with the same API, for the logs [default: QSTASH_DEV_LOG_PORT]",
        "-log-port",
        "--log-port",
        metavar="PORT",
        parse=parse_port,
    )
    host: str = flag("Address to bind to", metavar="HOST", default="127.0.0.1")
    db: str | None = flag(
        "SQLite file for all data; testUser1 has its own, FILE-testUser1",
        metavar="FILE",
    )
    user: Credentials | None = flag(
        f"Development user whose variables are printed: {', '.join(_USERS)}",
        metavar="NAME",
        parse=_user,
        complete="|".join(_USERS),
    )
    seed: str | None = flag("Manifest applied at startup, see `qstash apply`", metavar="FILE")
    ready_file: str | None = flag(
        "File with the printed lines while the server is running", metavar="FILE"
    )
    route: tuple[tuple[str, str], ...] = flag(
        "Deliver URLs that start with FROM to TO; signatures keep the original URL",
        metavar="FROM=TO",
        repeats=True,
        parse=_route,
    )
    no_console: bool = flag("Do not serve the console at /")
    console_origin: str | None = flag(
        "Web page that may use the API, such as https://console.upstash.com",
        metavar="ORIGIN",
        parse=_origin,
    )
    clock: str = flag(
        "Clock: running, or manual, which stands still until `qstash dev clock` moves it "
        "[default: running]",
        metavar="KIND",
        parse=_clock,
        complete="running|manual",
        default="running",
    )
    fault: FaultPlan | None = flag(
        "Faults to inject, such as deliver:error=5%,slow=2s@10%",
        metavar="FAULTS",
        parse=parse_faults,
    )
    fault_seed: int = flag(
        "Number that selects the attempts with faults [default: 0]",
        metavar="N",
        parse=parse_whole_number,
        default=0,
    )
    speed: float = flag("Speed of the clock [default: 1]", metavar="N", parse=_speed, default=1.0)
    quota: str | None = flag(
        "Plan whose limits apply: free, payg, fixed or pro [default: QSTASH_DEV_QUOTA]",
        "-quota",
        "--quota",
        metavar="PLAN",
        parse=_plan,
        complete="free|payg|fixed|pro",
    )


def with_variables(ctx: Context, serving: DevOptions, *, is_private: bool) -> DevOptions:
    """The flags, and the variables for those that are not given. Raises `BadInput`.

    A private server has a free port whatever the variables say, since several may run at a time.
    """
    from qstash_cli.config.environment import Environment

    if serving.clock == "manual" and serving.speed != 1:
        raise BadInput("--speed cannot be combined with --clock manual")
    if serving.fault_seed and serving.fault is None:
        raise BadInput("--fault-seed needs --fault")
    variables = Environment(ctx.system.env)
    port, log_port = (0, None) if is_private else (variables.dev_port, variables.dev_log_port)
    quota = serving.quota or variables.dev_quota or "none"
    for warning in variables.warnings:
        ctx.warn(warning)
    return replace(
        serving,
        port=serving.port if serving.port is not None else port,
        log_port=serving.log_port if serving.log_port is not None else log_port,
        quota=quota,
    )
