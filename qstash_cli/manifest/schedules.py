"""Reads and writes the table of one schedule."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.manifest import marks
from qstash_cli.manifest.options import options_table, own_keys, read_options
from qstash_cli.manifest.problems import Path, Problems
from qstash_cli.manifest.resources import Schedule
from qstash_cli.manifest.validation import Validation
from qstash_cli.protocol import backoff
from qstash_cli.protocol.conflicts import raise_if_conflicting
from qstash_cli.protocol.cron import parse_cron, with_zone
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.redaction import is_redacted

_ZONED = re.compile(r"(?:CRON_TZ|TZ)=(\S*)\s+(.*)")
_ALWAYS = "* * * * *"
_NOT_OPTIONS = ("destination", "cron", "tz", "body", "body_base64", "paused", "headers")


def schedule_keys() -> tuple[str, ...]:
    """Returns the keys of a schedule's table."""
    return tuple(dict.fromkeys((*_NOT_OPTIONS, *own_keys())))


def read_schedule(
    validation: Validation, table: Mapping[str, Any], path: Path, problems: Problems
) -> Schedule:
    """Reads the schedule of a table, and adds its problems."""
    known = len(problems.found)
    problems.validate_keys(path, table, schedule_keys(), "a schedule")
    schedule = Schedule(
        destination=_read_destination(table, path, problems, validation),
        cron=_read_cron(table, path, problems, validation),
        body=_read_body(table, path, problems),
        paused=read_switch("paused", table, path, problems),
        options=read_options(table, path, problems),
    )
    _reject_redacted(schedule.options, path, problems)
    if len(problems.found) == known:
        validation.schedule(schedule, path, problems)
        problems.validate(path, _raise_if_conflicting, schedule.options)
    labels = marks.without_marks(schedule.options.label)
    return replace(schedule, options=replace(schedule.options, label=labels))


def _read_text(key: str, table: Mapping[str, Any], path: Path, problems: Problems) -> str | None:
    value = table.get(key)
    if key not in table:
        problems.add(path, f"missing key: {key}")
    elif not isinstance(value, str) or not value.strip():
        problems.add((*path, key), "expected a quoted string")
    else:
        return value.strip()
    return None


def _read_destination(
    table: Mapping[str, Any], path: Path, problems: Problems, validation: Validation
) -> str:
    text = _read_text("destination", table, path, problems)
    if text is None:
        return ""
    return problems.validate((*path, "destination"), validation.destination, text) or ""


def _read_cron(
    table: Mapping[str, Any], path: Path, problems: Problems, validation: Validation
) -> str:
    cron = _read_text("cron", table, path, problems)
    zone = _read_text("tz", table, path, problems) if "tz" in table else None
    if zone is not None:
        problems.validate((*path, "tz"), validation.cron, with_zone(_ALWAYS, zone))
    if cron is None:
        return ""
    problems.validate((*path, "cron"), validation.cron, cron)
    return problems.validate((*path, "tz"), with_zone, cron, zone) or ""


def _read_body(table: Mapping[str, Any], path: Path, problems: Problems) -> bytes:
    if "body" in table and "body_base64" in table:
        problems.add(path, "body and body_base64 cannot be combined")
    for key, read in (("body", _text_body), ("body_base64", _binary_body)):
        if key in table:
            return problems.validate((*path, key), read, table[key]) or b""
    return b""


def _text_body(raw: Any) -> bytes:
    if not isinstance(raw, str):
        raise BadInput("expected a quoted string", hint="quote JSON too: '{\"id\": 1}'")
    if is_redacted(raw):
        raise BadInput(
            "this is the hash of a redacted body, not the body",
            hint="use the body itself, or ${VARIABLE}",
        )
    return raw.encode()


def _binary_body(raw: Any) -> bytes:
    try:
        return base64.b64decode("".join(raw.split()), validate=True)
    except (AttributeError, binascii.Error, ValueError):
        raise BadInput("invalid base64") from None


def read_switch(key: str, table: Mapping[str, Any], path: Path, problems: Problems) -> bool:
    """Reads a boolean, false by default. Variables supply it as a string."""
    value = table.get(key, False)
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        problems.add((*path, key), "expected true or false")
        return False
    return value


def _reject_redacted(options: MessageOptions, path: Path, problems: Problems) -> None:
    families = (
        (("headers",), options),
        (("callback", "headers"), options.on_callback),
        (("failure_callback", "headers"), options.on_failure_callback),
    )
    for keys, family in families:
        for name, value in family.headers if family else ():
            if is_redacted(value):
                problems.add(
                    (*path, *keys, name),
                    "this is the hash of a redacted header, not its value",
                    "use the value itself, or ${VARIABLE}",
                )


def _raise_if_conflicting(options: MessageOptions) -> None:
    try:
        raise_if_conflicting(options, "schedule")
    except BadInput as error:
        # The hint names flags, which a manifest does not have.
        raise BadInput(error.message) from None


def schedule_table(schedule: Schedule) -> dict[str, Any]:
    """Returns the table of a schedule without default values."""
    zoned = _ZONED.fullmatch(schedule.cron.strip())
    zone, cron = zoned.groups() if zoned else (None, schedule.cron.strip())
    found: dict[str, Any] = {"destination": schedule.destination, "cron": cron}
    if zone:
        found["tz"] = zone
    found |= options_table(_without_defaults(schedule.options)) | _body_table(schedule.body)
    return found | ({"paused": True} if schedule.paused else {})


def normal_cron(schedule: Schedule) -> str:
    """Normalizes the cron expression for comparison, if it can be parsed."""
    try:
        cron = parse_cron(schedule.cron)
    except BadInput:
        return schedule.cron
    return f"CRON_TZ={cron.zone} {cron.fields}"


def _without_defaults(options: MessageOptions) -> MessageOptions:
    is_usual_period = options.period_s == 1 or options.rate is None
    return replace(
        options,
        method=None if options.method == "POST" else options.method,
        retries=None if options.retries == backoff.DEFAULT_RETRIES else options.retries,
        delay_s=options.delay_s or None,
        period_s=None if is_usual_period else options.period_s,
    )


def _body_table(body: bytes) -> dict[str, str]:
    if not body:
        return {}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}
