"""Renders a plan for people and for scripts, without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from typing import TypedDict

from qstash_cli.cli.context import Context
from qstash_cli.client.request import Request
from qstash_cli.commands.common.manifests import counted
from qstash_cli.manifest.diff import Change, hidden_fields
from qstash_cli.manifest.problems import is_secret
from qstash_cli.manifest.resources import TABLES, Kind, Manifest
from qstash_cli.manifest.steps import Action, Step
from qstash_cli.output.result import Column, Line, Style, View
from qstash_cli.protocol.headers import names_a_secret
from qstash_cli.protocol.volume import rounded, share_of_plan

_HIDDEN = "(hidden)"
_FORWARDED = "Upstash-Forward-"
_SIGNS: Mapping[str, tuple[str, Style]] = {
    "create": ("+", "added"), "change": ("~", "changed"), "delete": ("-", "removed"),
}  # fmt: skip
_TO_DO = {"create": "to create", "change": "to change", "delete": "to delete"}
_MAX_CHARACTERS = 60
_CONTEXT_CHARACTERS = 15
_MAX_INDENTED = 24
_BODIES = ("body", "body_base64")
STEPS = View(
    columns=(
        Column(name="action", of="action"),
        Column(name="kind", of="kind"),
        Column(name="name", of="name"),
        Column(name="fields", of=lambda r: [c["field"] for c in r["changes"]], format="list"),
    ),
    id="name",
    empty="no differences",
)
APPLIED = View(columns=STEPS.columns[:3], id="name", empty="nothing was done")


class ChangeRecord(TypedDict):
    """A change of a field, without secrets. `old` or `new` is None if the field has no value."""

    field: str
    old: object
    new: object


class VolumeRecord(TypedDict):
    """The estimated messages per day of a schedule, before and after the plan."""

    schedule: str
    old: float
    new: float


class StepRecord(TypedDict):
    """A step of a plan, without secrets."""

    action: Action
    kind: Kind
    name: str
    takesOver: bool
    changes: list[ChangeRecord]
    messagesPerDay: list[VolumeRecord]


def record_of(step: Step, manifest: Manifest) -> StepRecord:
    """Returns a step as JSON."""
    is_hidden = _hidden_fields(step, manifest)
    return {
        "action": step.action,
        "kind": step.kind,
        "name": step.name,
        "takesOver": step.takes_over,
        "changes": [_change_record(c, manifest, is_hidden(c.field)) for c in step.changes],
        "messagesPerDay": [
            {"schedule": one.schedule, "old": rounded(one.old), "new": rounded(one.new)}
            for one in step.volume
        ],
    }


def _hidden_fields(step: Step, manifest: Manifest) -> Callable[[str], bool]:
    """Returns the fields of a step's resource that must not be displayed."""
    resource = (manifest.of(step.kind) or {}).get(step.name)
    redacts = hidden_fields(resource) if resource is not None else lambda _key: False

    def is_hidden(field: str) -> bool:
        path = (TABLES[step.kind], step.name, *field.split(" ", maxsplit=1)[0].split("."))
        is_header = "headers." in field and names_a_secret(field.rpartition("headers.")[2])
        is_endpoint = field.startswith("endpoint ")
        plain = (*path[:2], "endpoints") if is_endpoint else path
        return is_header or redacts(field) or is_secret(plain, manifest.secret_paths)

    return is_hidden


def concealed_requests(step: Step, manifest: Manifest) -> Iterator[Request[object]]:
    """Yields the requests of a step for a preview, without the manifest's secrets."""
    is_hidden = _hidden_fields(step, manifest)

    def header(name: str, value: str) -> str:
        own = name.removeprefix(_FORWARDED)
        return _HIDDEN if is_hidden(f"headers.{own}") else manifest.conceal(value)

    def body(request: Request[object]) -> bytes:
        if step.kind == "schedule":
            hides = any(is_hidden(field) for field in _BODIES)
            text = request.body.decode("utf-8", "surrogateescape")
            text_or_mask = _HIDDEN if hides else manifest.conceal(text)
            return text_or_mask.encode("utf-8", "surrogateescape") if request.body else b""
        return _concealed_json(request.body, manifest, is_hidden) if request.body else b""

    for request in step.requests:
        yield request._replace(
            path=manifest.conceal(request.path),
            headers=tuple((name, header(name, value)) for name, value in request.headers),
            body=body(request),
        )


def _concealed_json(text: bytes, manifest: Manifest, is_hidden: Callable[[str], bool]) -> bytes:
    def concealed(value: object, name: str = "") -> object:
        match value:
            case str():
                own = name.removeprefix(_FORWARDED)
                return _HIDDEN if is_hidden(f"headers.{own}") else manifest.conceal(value)
            case list():
                return [concealed(one, name) for one in value]
            case dict():
                return {key: concealed(one, key) for key, one in value.items()}
        return value

    return json.dumps(concealed(json.loads(text))).encode()


def _change_record(change: Change, manifest: Manifest, is_hidden: bool) -> ChangeRecord:
    def displayed(value: object) -> object:
        if value is None or not is_hidden:
            return _concealed(value, manifest)
        return _HIDDEN

    return {
        "field": manifest.conceal(change.field),
        "old": displayed(change.old),
        "new": displayed(change.new),
    }


def _concealed(value: object, manifest: Manifest) -> object:
    if isinstance(value, str):
        return manifest.conceal(value)
    if isinstance(value, list):
        return [manifest.conceal(item) for item in value]
    return value


def lines_of(ctx: Context, records: Sequence[StepRecord], width: int | None) -> tuple[Line, ...]:
    """Returns the plan for people; `width` is the terminal's, None without a terminal."""
    if not records:
        return (Line("no differences"),)
    settings = ctx.config.settings_if_any
    plan = settings.plan if settings else None
    lines = [
        line
        for record in records
        for line in chain(_step_lines(record, width), _volume_lines(record, plan))
    ]
    return (*lines, Line(""), Line(counted(records, _TO_DO)))


def show(ctx: Context, records: Sequence[StepRecord]) -> None:
    """Writes a plan to standard error."""
    from qstash_cli.output.lines import write_lines

    width = ctx.streams.columns if ctx.streams.err_is_terminal else None
    write_lines(lines_of(ctx, records, width), ctx.streams.err, ctx.err_terminal())


def _step_lines(record: StepRecord, width: int | None) -> Iterator[Line]:
    sign, style = _SIGNS[record["action"]]
    taken_over = " (taken over: not created by a manifest)" if record["takesOver"] else ""
    yield Line(f"{sign} {record['kind']} {record['name']}{taken_over}", style)
    names = [c["field"] for c in record["changes"] if not _is_endpoint(c)]
    indent = min(max(map(len, names), default=0), _MAX_INDENTED)
    for change in record["changes"]:
        if _is_endpoint(change):
            yield _endpoint_line(change)
        elif record["action"] == "create":
            new = _shortened(change["field"], change["new"], "")
            yield Line(f"    {change['field']:<{indent}}  {new}")
        else:
            yield from _change_lines(change, indent, width)


def _volume_lines(record: StepRecord, plan: str | None) -> Iterator[Line]:
    for change in record["messagesPerDay"]:
        old, new = change["old"], change["new"]
        whose = "" if record["kind"] == "schedule" else f" of {change['schedule']}"
        before = "" if record["action"] == "create" and not old else f"{old:,} -> "
        share = share_of_plan(new, plan)
        of_plan = f", {share} of the {plan} plan" if share else ""
        difference = f"({rounded(new - old):+,}{of_plan})"
        yield Line(f"    messages a day{whose}  {before}{new:,} {difference}")


def _is_endpoint(change: ChangeRecord) -> bool:
    # A changed URL is an ordinary change.
    is_endpoint: bool = change["field"].startswith("endpoint ")
    return is_endpoint and (change["old"] is None or change["new"] is None)


def _endpoint_line(change: ChangeRecord) -> Line:
    sign, style = _SIGNS["create" if change["old"] is None else "delete"]
    field, url = change["field"], str(change["old"] or change["new"])
    return Line(f"    {sign} {field if field.endswith(url) else f'{field} {url}'}", style)


def _change_lines(change: ChangeRecord, indent: int, width: int | None) -> Iterator[Line]:
    field, old, new = change["field"], change["old"], change["new"]
    before = "none" if old is None else _shortened(field, old, new)
    after = "none" if new is None else _shortened(field, new, old)
    line = f"    {field:<{indent}}  {before} -> {after}"
    if width is None or len(line) <= width:
        yield Line(line)
        return
    yield Line(f"    {field}")
    yield Line(f"      - {before}", "removed")
    yield Line(f"      + {after}", "added")


def _shortened(field: str, value: object, other: object) -> str:
    """Returns the value as text. A long body starts where it first differs from the other one."""
    text = _text(value)
    if field not in _BODIES or len(text) <= _MAX_CHARACTERS:
        return text
    pairs = zip(text, _text(other), strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(0, common - _CONTEXT_CHARACTERS) if common + 1 >= _MAX_CHARACTERS else 0
    part = text[start : start + _MAX_CHARACTERS]
    cut = "…" if start + _MAX_CHARACTERS < len(text) else ""
    return f"{'…' if start else ''}{part}{cut} ({len(text.encode()):,} bytes)"


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(value)
        case None:
            return ""
    return str(value)
