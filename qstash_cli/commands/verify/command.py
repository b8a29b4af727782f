"""`qstash verify`: is this request from QStash? Offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import flag
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.common.signing_keys import SigningKeyOptions, signing_keys
from qstash_cli.commands.verify.views import CLAIMS, VERDICTS, VIEW
from qstash_cli.errors import BadInput, NotVerified, QstashError
from qstash_cli.output.result import Result
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.instants import parse_past_instant_s
from qstash_cli.protocol.numbers import parse_count

if TYPE_CHECKING:
    from qstash_cli.captures.capture import Capture
    from qstash_cli.commands.common.verification import Verdict
    from qstash_cli.output.blocks import Block
    from qstash_cli.protocol.claim_checks import Expectation
    from qstash_cli.protocol.signature import SignatureReport

app = group()


@dataclass(frozen=True, kw_only=True)
class CaptureOptions:
    """What was received."""

    request: str | None = flag(
        "Captured request in any known format: FILE or -",
        metavar="FILE",
        section="Request",
    )
    entry: int | None = flag(
        "Number of the only request to verify, from 1",
        metavar="N",
        parse=parse_count,
        section="Request",
    )
    jsonl: str | None = flag("Captures as JSON Lines: FILE or -", metavar="FILE", section="Request")

    signature: str | None = flag(
        "Upstash-Signature header: TEXT, @FILE or -", metavar="TEXT", section="Request"
    )
    body: str | None = flag(
        "Body as received: TEXT, @FILE or -", "-d", "--body", metavar="TEXT", section="Request"
    )
    url: str | None = flag(
        "Destination URL; not checked if omitted", metavar="URL", section="Request"
    )
    claims: bool = flag("Print the claims of the token with readable times", section="Request")


@dataclass(frozen=True, kw_only=True)
class Time:
    """The time of the check, and how strict it is about times."""

    at: float | None = flag(
        "Time of the check [default: now]",
        metavar="TIME",
        parse_at=parse_past_instant_s,
        section="Time",
    )
    tolerance: int = flag(
        "Allowed difference between clocks",
        metavar="DURATION",
        parse=parse_duration_s,
        default=0,
        section="Time",
    )
    ignore_expiry: bool = flag("Accept an expired signature", section="Time")


@command(app, connects=False)
def verify(ctx: Context, *, capture: CaptureOptions, keys: SigningKeyOptions, time: Time) -> Result:
    """Verify a captured signature, claim by claim.

    Needs neither a network connection nor an account. Exits with 0 if every signature is valid and
    7 if not. The keys come from options, the environment or a profile. Runs every check, even after
    one has failed, and names the cause of a failure. --request reads raw HTTP, HAR, events of API
    Gateway, ALB and Netlify, JSON with headers and body, and curl commands; requests without a
    signature are skipped.

    \b
    qstash verify --signature @signature.txt --body @body.bin --url https://example.com/hook
    qstash verify --signature @signature.txt -d '{"id":1}' --current-key @key.txt --ignore-expiry
    qstash verify --request capture.http --ignore-expiry
    """
    named = [name for name in _SOURCES if getattr(capture, name) is not None]
    if len(named) != 1:
        raise BadInput(
            f"{' and '.join(f'--{n}' for n in named)} exclude each other" if named
            else "no signature",
            hint="give --signature TEXT, @FILE or -, or a whole --request FILE",
        )  # fmt: skip
    requests = _requests(ctx, capture)
    expected = _expectation(ctx, capture, keys, time, requests)
    verdicts = _verdicts(ctx, requests, expected)
    if capture.jsonl is not None:
        return _many(ctx, verdicts, skips_unsigned=False)
    first, *more = verdicts
    if not more:
        return _one(ctx, first, claims=capture.claims, ignored=time.ignore_expiry)
    return _many(ctx, (first, *more), skips_unsigned=True)


_SOURCES = ("signature", "request", "jsonl")
_AT_A_TIME = 16


def _verdicts(
    ctx: Context, requests: Iterable[Capture | str], expected: Expectation
) -> Iterator[Verdict]:
    from qstash_cli.captures.search_budget import SECONDS_PER_RUN, SearchBudget
    from qstash_cli.commands.common.verification import Verdict, judge

    others = _other_keys(ctx)
    budget = SearchBudget(ctx.system.now, SECONDS_PER_RUN)
    # A few at a time: what runs again and again stays in the processor's cache, an eighth quicker.
    rest = iter(requests)
    while block := list(islice(rest, _AT_A_TIME)):
        yield from [
            Verdict(capture=_unread(), error=one)
            if isinstance(one, str)
            else judge(one, expected, others, budget)
            for one in block
        ]


def _one(ctx: Context, verdict: Verdict, *, claims: bool, ignored: bool) -> Result:
    report = verdict.report
    if report is None:
        raise BadInput(f"the captured request cannot be verified: {verdict.error}")
    failure = None
    if not verdict.valid:
        failure = NotVerified(f"signature check failed: {', '.join(report.failed)}")
    if claims or not _displays_screen(ctx):
        _note(ctx, verdict, report, ignored=ignored)
    if claims:
        return Result(data=verdict.claims(), view=CLAIMS, piped="json", error=failure)

    def screen() -> Iterator[Block]:
        from qstash_cli.commands.verify.screen import verdict_screen

        return verdict_screen(verdict, report)

    return Result(data=verdict.as_record(), view=VIEW, piped="tsv", error=failure, screen=screen)


def _displays_screen(ctx: Context) -> bool:
    """Returns whether the screen, which includes the notes, is what the user sees."""
    output = ctx.options.output
    is_table = output.format in {None, "table"} and not (output.columns or output.query)
    return ctx.streams.out_is_terminal and is_table


def _note(ctx: Context, verdict: Verdict, report: SignatureReport, *, ignored: bool) -> None:
    for finding in verdict.findings:
        ctx.note(f"{finding.check}: {finding.what}; {finding.fix}")
    if verdict.valid and ignored:
        ctx.note("the signature is valid; its expiry was not checked")
    elif verdict.valid:
        ctx.note(f"the signature is valid, signed with the {report.key} key")


def _many(ctx: Context, verdicts: Iterable[Verdict], *, skips_unsigned: bool) -> Result:
    """A line for each verdict, as they are found, and at the end how many are valid."""
    from qstash_cli.commands.common.verification import UNSIGNED, Numbered

    valid = invalid = skipped = 0

    def lines() -> Iterator[Numbered]:
        nonlocal valid, invalid, skipped
        for number, verdict in enumerate(verdicts, 1):
            if skips_unsigned and verdict.error == UNSIGNED:
                skipped += 1
                continue
            valid, invalid = valid + verdict.valid, invalid + (not verdict.valid)
            yield Numbered(number, verdict)

    def failure() -> QstashError | None:
        total = valid + invalid
        if skipped and not total:
            return BadInput(f"none of the {skipped} captured requests has a signature")
        if skipped:
            ctx.note(f"skipped {skipped} {_requests_named(skipped)} without a signature")
        noun, verb = "signature" if total == 1 else "signatures", "is" if valid == 1 else "are"
        summary = f"{valid} of {total} {noun} {'is' if total == 1 else verb} valid"
        if invalid:
            return NotVerified(summary)
        ctx.note(summary)
        return None

    data = lines()
    return Result(data=data, view=VERDICTS, piped="tsv", error=failure, one_by_one=False)


def _requests_named(number: int) -> str:
    return "request" if number == 1 else "requests"


def _unread() -> Capture:
    from qstash_cli.captures.capture import Capture

    return Capture(source="unknown")


def _requests(ctx: Context, capture: CaptureOptions) -> Iterable[Capture | str]:
    from qstash_cli.commands.common.verification import lines

    if capture.jsonl is not None:
        data = _read(ctx, capture.jsonl)
        found = ctx.measured(lines(data), "requests", total=data.count(b"\n"))
        # The region is that of all of them together.
        return list(found) if ctx.system.env.get("QSTASH_REGION") else found
    return _whole_requests(ctx, capture)


def _whole_requests(ctx: Context, capture: CaptureOptions) -> list[Capture | str]:
    from qstash_cli.captures.capture import Capture

    if capture.request is not None:
        from qstash_cli.captures.recognise import recognise

        found: list[Capture | str] = list(recognise(_read(ctx, capture.request)))
        if capture.entry is None:
            return found
        if capture.entry > len(found):
            raise BadInput(f"there is no entry {capture.entry}", hint=f"it has {len(found)}")
        return [found[capture.entry - 1]]
    if capture.signature == "-" and capture.body == "-":
        raise BadInput("--signature and --body cannot both be read from standard input")
    if capture.body is None and capture.signature != "-":
        ctx.warn_of_unused_input()
    signature = ctx.read_body(capture.signature or "").decode(errors="replace")
    return [Capture(source="flags", headers=(("Upstash-Signature", signature),))]


def _read(ctx: Context, name: str) -> bytes:
    return ctx.read_body("-" if name == "-" else f"@{name.removeprefix('@')}")


def _expectation(
    ctx: Context,
    capture: CaptureOptions,
    keys: SigningKeyOptions,
    time: Time,
    requests: Iterable[Capture | str],
) -> Expectation:
    from qstash_cli.protocol.claim_checks import Expectation

    region = _region_of(requests) if ctx.system.env.get("QSTASH_REGION") else None
    return Expectation(
        keys=signing_keys(ctx, keys, region),
        url=capture.url,
        body=ctx.read_body(capture.body) if capture.body is not None else None,
        now=ctx.system.now() if time.at is None else time.at,
        tolerance_s=time.tolerance,
        ignore_expiry=time.ignore_expiry,
        uses_system_clock=time.at is None,
    )


def _region_of(requests: Iterable[Capture | str]) -> str | None:
    signed = [one for one in requests if not isinstance(one, str) and one.signature is not None]
    seen = {one.header("Upstash-Region") for one in signed}
    return seen.pop() if len(seen) == 1 else None


def _other_keys(ctx: Context) -> Mapping[str, tuple[str, str]]:
    found = {
        "the development server's current key": (
            DEV_USER.current_signing_key, "is QSTASH_DEV set where it was sent? check with --dev",
        ),
        "the development server's next key": (
            DEV_USER.next_signing_key, "is QSTASH_DEV set where it was sent? check with --dev",
        ),
    }  # fmt: skip
    for region, keys in ctx.config.regional_keys.items():
        for which, key in (("current", keys.current), ("next", keys.next)):
            if key:
                fix = f"check with --region {region}"
                found[f"the {which} key of {region}"] = (key, fix)
    return found
