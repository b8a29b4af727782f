"""One schedule: its table in a manifest, read and written."""

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
from qstash_cli.protocol.contradictions import refuse_contradictions
from qstash_cli.protocol.cron import parse_cron, with_zone
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.redaction import is_redacted

_ZONED = re.compile(r"(?:CRON_TZ|TZ)=(\S*)\s+(.*)")
_ALWAYS = "* * * * *"
_NOT_OPTIONS = ("destination", "cron", "tz", "body", "body_base64", "paused", "headers")


def schedule_keys() -> tuple[str, ...]:
    """Every key of a schedule's table."""
    return tuple(dict.fromkeys((*_NOT_OPTIONS, *own_keys())))


def read_schedule(
    validation: Validation, given: Mapping[str, Any], path: Path, problems: Problems
) -> Schedule:
    """The schedule of a table; what is wrong in it is added to the problems."""
    known = len(problems.found)
    problems.validate_keys(path, given, schedule_keys(), "a schedule")
    schedule = Schedule(
        destination=_read_destination(given, path, problems, validation),
        cron=_read_cron(given, path, problems, validation),
        body=_read_body(given, path, problems),
        paused=read_switch("paused", given, path, problems),
        options=read_options(given, path, problems),
    )
    _refuse_redacted(schedule.options, path, problems)
    if len(problems.found) == known:
        validation.schedule(schedule, path, problems)
        problems.validate(path, _refuse_contradictions, schedule.options)
    labels = marks.without_marks(schedule.options.label)
    return replace(schedule, options=replace(schedule.options, label=labels))


def _read_text(key: str, given: Mapping[str, Any], path: Path, problems: Problems) -> str | None:
    value = given.get(key)
    if key not in given:
        problems.add(path, f"it has no {key}")
    elif not isinstance(value, str) or not value.strip():
        problems.add((*path, key), "not a text in quotes")
    else:
        return value.strip()
    return None


def _read_destination(
    given: Mapping[str, Any], path: Path, problems: Problems, validation: Validation
) -> str:
    text = _read_text("destination", given, path, problems)
    if text is None:
        return ""
    return problems.validate((*path, "destination"), validation.destination, text) or ""


def _read_cron(
    given: Mapping[str, Any], path: Path, problems: Problems, validation: Validation
) -> str:
    cron = _read_text("cron", given, path, problems)
    zone = _read_text("tz", given, path, problems) if "tz" in given else None
    if zone is not None:
        problems.validate((*path, "tz"), validation.cron, with_zone(_ALWAYS, zone))
    if cron is None:
        return ""
    problems.validate((*path, "cron"), validation.cron, cron)
    return problems.validate((*path, "tz"), with_zone, cron, zone) or ""


def _read_body(given: Mapping[str, Any], path: Path, problems: Problems) -> bytes:
    if "body" in given and "body_base64" in given:
        problems.add(path, "it has both body and body_base64")
    for key, read in (("body", _text_body), ("body_base64", _binary_body)):
        if key in given:
            return problems.validate((*path, key), read, given[key]) or b""
    return b""


def _text_body(raw: Any) -> bytes:
    if not isinstance(raw, str):
        raise BadInput("not a text in quotes", hint="JSON goes in quotes too: '{\"id\": 1}'")
    if is_redacted(raw):
        raise BadInput(
            "it is what QStash shows in the place of a redacted body, not the body",
            hint="write the body itself, or ${VARIABLE}",
        )
    return raw.encode()


def _binary_body(raw: Any) -> bytes:
    try:
        return base64.b64decode("".join(raw.split()), validate=True)
    except (AttributeError, binascii.Error, ValueError):
        raise BadInput("not base64") from None


def read_switch(key: str, given: Mapping[str, Any], path: Path, problems: Problems) -> bool:
    """True or false, false if it is not given. A variable can say it as a text."""
    value = given.get(key, False)
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        problems.add((*path, key), "neither true nor false")
        return False
    return value


def _refuse_redacted(options: MessageOptions, path: Path, problems: Problems) -> None:
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
                    "it is what QStash shows in the place of a redacted header, not the header",
                    "write the header itself, or ${VARIABLE}",
                )


def _refuse_contradictions(options: MessageOptions) -> None:
    try:
        refuse_contradictions(options, "schedule")
    except BadInput as error:
        # Its hint names flags, and here are keys.
        raise BadInput(error.message) from None


def schedule_table(schedule: Schedule) -> dict[str, Any]:
    """The table of a schedule, without what is the default."""
    zoned = _ZONED.fullmatch(schedule.cron.strip())
    zone, cron = zoned.groups() if zoned else (None, schedule.cron.strip())
    shown: dict[str, Any] = {"destination": schedule.destination, "cron": cron}
    if zone:
        shown["tz"] = zone
    shown |= options_table(_without_defaults(schedule.options)) | _body_table(schedule.body)
    return shown | ({"paused": True} if schedule.paused else {})


def normal_cron(schedule: Schedule) -> str:
    """The expression in the one way in which equal ones are equal, as far as it is known here."""
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
