"""`qstash verify`: is this request from QStash? Offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from qstash_cli.cli.registry import command, group
from qstash_cli.commands._key_flags import KeyFlags, signing_keys
from qstash_cli.commands._options import parse_count
from qstash_cli.commands._verdict_views import CLAIMS, VERDICTS, VIEW
from qstash_cli.errors import BadInput, NotVerified
from qstash_cli.flags import flag
from qstash_cli.frozen import dataclass
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result
from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.durations import parse_duration_s
from qstash_cli.protocol.instants import parse_past_instant_s

if TYPE_CHECKING:
    from qstash_cli.captures.capture import Capture as Request
    from qstash_cli.commands._judging import Verdict
    from qstash_cli.protocol.claim_checks import Expectation

app = group()


@dataclass(frozen=True, kw_only=True)
class Capture:
    """What was received."""

    request: str | None = flag(
        "A captured request, whose format is recognised: FILE or -",
        metavar="FILE",
        section="Request",
    )
    entry: int | None = flag(
        "Only this one of several requests in it, from 1",
        metavar="N",
        parse=parse_count,
        section="Request",
    )
    jsonl: str | None = flag(
        "Many captures, one JSON object a line: FILE or -", metavar="FILE", section="Request"
    )

    signature: str | None = flag(
        "The Upstash-Signature header: TEXT, @FILE or -", metavar="TEXT", section="Request"
    )
    body: str | None = flag(
        "The body as received: TEXT, @FILE or -", "-d", "--body", metavar="TEXT", section="Request"
    )
    url: str | None = flag(
        "The destination; not checked if left out", metavar="URL", section="Request"
    )
    claims: bool = flag("Show the claims of the token, with readable times", section="Request")


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
    flags, the environment or a profile. All checks are made, whichever fails first, and what
    explains a failure is named. --request knows raw HTTP, HAR, the events of API Gateway, ALB and
    Netlify, JSON with headers and body, and curl commands.

    \b
    qstash verify --signature @signature.txt --body @body.bin --url https://example.com/hook
    qstash verify --signature @signature.txt -d '{"id":1}' --current-key @key.txt --ignore-expiry
    qstash verify --request capture.http --ignore-expiry
    """
    from qstash_cli.commands import _judging

    named = [name for name in _SOURCES if getattr(capture, name) is not None]
    if len(named) != 1:
        raise BadInput(
            f"{' and '.join(f'--{n}' for n in named)} exclude each other" if named
            else "no signature",
            hint="give --signature TEXT, @FILE or -, or a whole --request FILE",
        )  # fmt: skip
    requests = _requests(inv, capture)
    expected = _expectation(inv, capture, keys, time, requests)
    others = _other_keys(inv)
    verdicts = (
        _judging.Verdict(capture=_unread(), error=one)
        if isinstance(one, str)
        else _judging.judge(one, expected, others)
        for one in requests
    )
    if capture.jsonl is not None:
        return _many(inv, verdicts)
    first, *more = verdicts
    if not more:
        return _one(inv, first, claims=capture.claims, ignored=time.ignore_expiry)
    return _many(inv, (first, *more))


_SOURCES = ("signature", "request", "jsonl")


def _one(inv: Invocation, verdict: Verdict, *, claims: bool, ignored: bool) -> Result:
    report = verdict.report
    if report is None:
        raise BadInput(f"the captured request cannot be checked: {verdict.error}")
    for finding in verdict.findings:
        inv.note(f"{finding.check}: {finding.what}; {finding.fix}")
    failure = None
    if not verdict.valid:
        failure = NotVerified(f"the signature does not hold: {', '.join(report.failed)}")
    elif ignored:
        inv.note("the signature holds; whether it has expired was not looked at")
    else:
        inv.note(f"the signature holds, signed with the {report.key} key")
    if claims:
        return Result(data=report.claims, view=CLAIMS, piped="json", failure=failure)
    return Result(data=verdict.as_record(), view=VIEW, piped="tsv", failure=failure)


def _many(inv: Invocation, verdicts: Iterable[Verdict]) -> Result:
    """A line for each verdict, as they are found, and at the end how many hold."""
    from qstash_cli.commands._judging import Numbered

    outcomes = [0, 0]

    def lines() -> Iterator[Numbered]:
        for number, verdict in enumerate(verdicts, 1):
            outcomes[verdict.valid] += 1
            yield Numbered(number, verdict)

    def failure() -> NotVerified | None:
        bad, good = outcomes
        told = f"{good} of {good + bad} hold"
        if bad:
            return NotVerified(told)
        inv.note(told)
        return None

    data = lines()
    return Result(data=data, view=VERDICTS, piped="tsv", verdict=failure, one_by_one=False)


def _unread() -> Request:
    from qstash_cli.captures.capture import Capture as Request

    return Request(source="unknown")


def _requests(inv: Invocation, capture: Capture) -> Iterable[Request | str]:
    from qstash_cli.commands._judging import lines

    if capture.jsonl is not None:
        found = lines(_read(inv, capture.jsonl))
        # The region is that of all of them together.
        return list(found) if inv.env.get("QSTASH_REGION") else found
    return _whole_requests(inv, capture)


def _whole_requests(inv: Invocation, capture: Capture) -> list[Request | str]:
    from qstash_cli.captures.capture import Capture as Request

    if capture.request is not None:
        from qstash_cli.captures.recognise import recognise

        found: list[Request | str] = list(recognise(_read(inv, capture.request)))
        if capture.entry is None:
            return found
        if capture.entry > len(found):
            raise BadInput(f"there is no entry {capture.entry}", hint=f"it has {len(found)}")
        return [found[capture.entry - 1]]
    if capture.signature == "-" and capture.body == "-":
        raise BadInput("--signature and --body cannot both be read from standard input")
    if capture.body is None and capture.signature != "-":
        inv.warn_of_unused_input()
    signature = inv.read_body(capture.signature or "").decode(errors="replace")
    return [Request(source="flags", headers=(("Upstash-Signature", signature),))]


def _read(inv: Invocation, name: str) -> bytes:
    return inv.read_body("-" if name == "-" else f"@{name.removeprefix('@')}")


def _expectation(
    inv: Invocation, capture: Capture, keys: KeyFlags, time: Time, requests: Iterable[Request | str]
) -> Expectation:
    from qstash_cli.protocol.claim_checks import Expectation

    region = _region_of(requests) if inv.env.get("QSTASH_REGION") else None
    return Expectation(
        keys=signing_keys(inv, keys, region),
        url=capture.url,
        body=inv.read_body(capture.body) if capture.body is not None else None,
        now=inv.now() if time.at is None else time.at,
        tolerance_s=time.tolerance,
        ignore_expiry=time.ignore_expiry,
        uses_system_clock=time.at is None,
    )


def _region_of(requests: Iterable[Request | str]) -> str | None:
    seen = {one.header("Upstash-Region") for one in requests if not isinstance(one, str)}
    return seen.pop() if len(seen) == 1 else None


def _other_keys(inv: Invocation) -> Mapping[str, tuple[str, str]]:
    found = {
        "the development server's current key": (
            DEV_USER.current_signing_key, "is QSTASH_DEV set where it was sent? check with --dev",
        ),
        "the development server's next key": (
            DEV_USER.next_signing_key, "is QSTASH_DEV set where it was sent? check with --dev",
        ),
    }  # fmt: skip
    for region, keys in inv.regional_keys.items():
        for which, key in (("current", keys.current), ("next", keys.next)):
            if key:
                fix = f"check with --region {region}"
                found[f"the {which} key of {region}"] = (key, fix)
    return found
