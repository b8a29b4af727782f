"""`qstash verify`: is this request from QStash? Offline."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from qstash_cli.commands._signature import command, group
from qstash_cli.errors import BadCredentials, BadInput, ExitCode
from qstash_cli.flags import flag
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.instants import parse_past_instant_s
from qstash_cli.protocol.signature import Expectation, SignatureReport, check
from qstash_cli.run_options import ConnectionOptions

app = group("Check a signature, offline")

VIEW = View(
    columns=(
        Column(name="check", of="name"),
        Column(name="outcome", of="outcome", show="outcome"),
        Column(name="found", of="found"),
        Column(name="expected", of="expected"),
    ),
    id="key",
    rows=lambda record: record["checks"],
)


@dataclass(frozen=True, kw_only=True)
class Capture:
    """What was received."""

    signature: str | None = flag(
        "The Upstash-Signature header: TEXT, @FILE or -", metavar="TEXT", section="Request"
    )
    body: str | None = flag(
        "The body as received: TEXT, @FILE or -", "-d", "--body", metavar="TEXT", section="Request"
    )
    url: str | None = flag(
        "The destination; not checked if left out", metavar="URL", section="Request"
    )


@dataclass(frozen=True, kw_only=True)
class KeyFlags:
    """The keys to check against."""

    current_key: str | None = flag(
        "Current signing key; @FILE keeps it off the command line", metavar="KEY", section="Keys"
    )
    next_key: str | None = flag("Next signing key, or @FILE", metavar="KEY", section="Keys")
    dev: bool = flag("The keys of `qstash dev`", section="Keys")
    profile: str | None = flag(
        "The keys of this profile", "-p", "--profile", metavar="NAME", section="Keys"
    )


@dataclass(frozen=True, kw_only=True)
class Time:
    """When it is judged."""

    at: float | None = flag(
        "Judge as of this time (default now)",
        metavar="TIME",
        parse=parse_past_instant_s,
        section="Time",
    )
    tolerance: int = flag(
        "Allow clocks to differ by so much",
        metavar="DURATION",
        parse=lambda text, _now: parse_duration_s(text),
        default=0,
        section="Time",
    )
    ignore_expiry: bool = flag("Accept an expired signature", section="Time")


@command(app, connects=False)
def verify(inv: Invocation, *, capture: Capture, keys: KeyFlags, time: Time) -> Result:
    """Check a captured signature, claim by claim.

    Needs neither network nor account. Exits 0 if everything holds and 7 if not. Keys come from the
    flags, the environment or a profile. All checks are made, whichever fails first.

    \b
    qstash verify --signature @signature.txt --body @body.bin --url https://example.com/hook
    qstash verify --signature @signature.txt -d '{"id":1}' --current-key @key.txt --ignore-expiry
    """
    if capture.signature is None:
        raise BadInput("no signature", hint="give --signature TEXT, @FILE or -")
    if capture.signature == "-" and capture.body == "-":
        raise BadInput("--signature and --body cannot both be read from standard input")
    report = check(
        inv.read_body(capture.signature).decode(errors="replace"),
        Expectation(
            keys=_keys(inv, keys),
            url=capture.url,
            body=inv.read_body(capture.body) if capture.body is not None else None,
            now=inv.now() if time.at is None else time.at,
            tolerance_s=time.tolerance,
            ignore_expiry=time.ignore_expiry,
        ),
    )
    return Result(
        data=_record(report),
        view=VIEW,
        piped="tsv",
        exit_code=ExitCode.DONE if report.valid else ExitCode.NOT_VERIFIED,
    )


def _record(report: SignatureReport) -> dict[str, object]:
    return {
        "valid": report.valid,
        "key": report.key,
        "checks": [asdict(check) for check in report.checks],
        "claims": report.claims,
    }


def _keys(inv: Invocation, flags: KeyFlags) -> tuple[tuple[str, str], ...]:
    given = (("current", flags.current_key), ("next", flags.next_key))
    found = tuple((name, read_key(inv, key)) for name, key in given if key is not None)
    if not found:
        inv.connection = ConnectionOptions(profile=flags.profile, dev=flags.dev)
        configured = inv.signing_keys
        pairs = (("current", configured.current), ("next", configured.next))
        found = tuple((name, key) for name, key in pairs if key)
    if not found:
        raise BadCredentials(
            "no signing key to check against",
            hint="give --current-key @FILE, set QSTASH_CURRENT_SIGNING_KEY, or store it with "
            "`qstash config set NAME`; `qstash keys get` prints it",
        )
    return found


def read_key(inv: Invocation, spec: str) -> str:
    """A signing key given as itself or as `@FILE`. Raises `BadInput` for an empty one."""
    key = inv.read_body(spec).decode(errors="replace").strip().strip("\"'")
    if not key:
        raise BadInput("the signing key is empty")
    return key
