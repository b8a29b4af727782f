"""The JSON Schema of a manifest, derived from the tables that its parser reads.

It accepts every manifest that the parser accepts. The parser also refuses what a schema cannot
express, such as an hour of 25 in a cron expression, or a variable that is not set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from qstash_cli.manifest import schema as parser
from qstash_cli.manifest.options import FAMILIES, OptionsByKey, callback_keys, own_keys
from qstash_cli.manifest.resources import TABLES
from qstash_cli.manifest.schedules import schedule_keys
from qstash_cli.protocol import value_types
from qstash_cli.protocol.backoff import DEFAULT_RETRIES
from qstash_cli.protocol.value_types import ValueType

Schema = dict[str, Any]

# A string may contain a variable, whose value is not known before the manifest is used.
_VARIABLE = r"\$\{"
_NAME = r"^[A-Za-z0-9._-]+$"
_DURATION = r"^\s*([0-9]+|([0-9]+[smhd])+)\s*$"
_TEXT: Schema = {"type": "string"}


def schema() -> Schema:
    """Returns the schema, in draft 2020-12."""
    kinds = {
        "queue": _queue(), "flow": _pin(), "urlgroup": _urlgroup(), "schedule": _schedule(),
    }  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Manifest of qstash",
        "description": "The resources of an account, for qstash plan and qstash apply",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            TABLES[kind]: {
                "type": "object",
                "propertyNames": {"pattern": r"\S" if kind == "flow" else _NAME},
                "additionalProperties": {"$ref": f"#/$defs/{kind}"},
                "description": f"[{TABLES[kind]}.NAME]",
            }
            for kind in TABLES
        },
        "$defs": kinds | {"headers": _headers(), "endpoint": _endpoint()},
    }


def schema_json() -> str:
    """Returns the schema as the text of its file."""
    return json.dumps(schema(), indent=2) + "\n"


def _table(keys: Sequence[str], properties: Mapping[str, Schema], **more: Any) -> Schema:
    if set(keys) != set(properties):
        raise ValueError(f"the schema and the parser disagree: {set(keys) ^ set(properties)}")
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: properties[key] for key in keys},
        **more,
    }


def _queue() -> Schema:
    return _table(
        parser.QUEUE_KEYS,
        {
            "parallelism": _number(1) | _about("Maximum concurrent deliveries", default=1),
            "paused": _switch() | _about("Whether the queue is paused", default=False),
        },
    )


def _pin() -> Schema:
    return _table(
        parser.PIN_KEYS,
        {
            "rate": _number(1) | _about("Maximum deliveries per period"),
            "period": _duration(1) | _about("Period of the rate", default="1s"),
            "parallelism": _number(1) | _about("Maximum concurrent deliveries"),
        },
        anyOf=[{"required": ["rate"]}, {"required": ["parallelism"]}],
        dependentRequired={"period": ["rate"]},
    )


def _urlgroup() -> Schema:
    endpoints: Schema = {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/endpoint"},
    }
    headers = _reference("headers", "Default headers of messages to the group")
    return _table(
        parser.URL_GROUP_KEYS,
        {"endpoints": endpoints | _about("Endpoints, in any order"), "headers": headers},
        required=["endpoints"],
    )


def _endpoint() -> Schema:
    url = _url()
    table = _table(
        parser.ENDPOINT_KEYS,
        {"url": url | _about("URL"), "name": _TEXT | _about("Name, unique in the group")},
        required=["url"],
    )
    return {"anyOf": [url, table]}


def _schedule() -> Schema:
    options = {key: _option(option.kind, option.help) for key, (_, option) in own_keys().items()}
    options["method"]["default"] = "POST"
    options["retries"]["default"] = DEFAULT_RETRIES
    families = {
        key: _callback(options[key]["description"], callback_keys(), key) for key in FAMILIES
    }
    filled = {"type": "string", "pattern": r"\S"}
    own: dict[str, Schema] = {
        "destination": filled | _about("URL or URL group"),
        "cron": filled | _about("Cron expression, or a descriptor such as @daily"),
        "tz": filled | _about("Time zone of the cron expression", default="UTC"),
        "body": _TEXT | _about("Body"),
        "body_base64": _TEXT | _about("Body that is not text, in base64"),
        "paused": _switch() | _about("Whether the schedule is paused", default=False),
        "headers": _reference("headers", "Headers for the destination"),
    }
    return _table(
        schedule_keys(),
        options | families | own,
        required=["destination", "cron"],
        allOf=[{"not": {"required": ["body", "body_base64"]}}],
        dependentRequired={key: ["flow_key"] for key in ("rate", "period", "parallelism")},
        dependentSchemas={
            "flow_key": {"anyOf": [{"required": ["rate"]}, {"required": ["parallelism"]}]}
        },
    )


def _callback(text: str, keys: OptionsByKey, key: str) -> Schema:
    what = f"URL of the {key.replace('_', ' ')}"
    table = _table(
        ("url", *keys, "headers"),
        {
            "url": _url() | _about(what),
            **{name: _option(option.kind, option.help) for name, (_, option) in keys.items()},
            "headers": _reference("headers", "Headers for the callback"),
        },
        required=["url"],
    )
    return {"anyOf": [_url(), table]} | _about(f"{text}, or a table with options of its delivery")


def _headers() -> Schema:
    return {
        "type": "object",
        "propertyNames": {"pattern": r"^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*$"},
        "additionalProperties": _one_or_more(_TEXT),
    }


def _option(kind: ValueType, text: str) -> Schema:
    words, _, default = text.removesuffix("]").partition(" [default: ")
    about = _about(words.removesuffix(" (repeatable)"))
    return _of_kind(kind) | about | ({"default": default} if default else {})


def _of_kind(kind: ValueType) -> Schema:
    """Returns the schema of the values that the manifest accepts for a type of option."""
    if kind in (value_types.LABELS, value_types.REDACT_FIELDS):
        return _one_or_more(_TEXT)
    known: tuple[tuple[ValueType, Schema], ...] = (
        (value_types.METHOD, _method()),
        (value_types.COUNT, _number(0)),
        (value_types.POSITIVE, _number(1)),
        (value_types.RATE, _number(1)),
        (value_types.DURATION, _duration(0)),
        (value_types.PERIOD, _duration(1)),
        (value_types.URL, _url()),
        (value_types.NAME, _matching(_NAME)),
        (value_types.TEXT, {"type": "string", "pattern": r"\S"}),
        (value_types.EXPRESSION, {"type": "string", "pattern": r"\S"}),
    )
    return dict(next(found for one, found in known if one is kind))


def _about(text: str, **more: Any) -> Schema:
    return {"description": text} | more


def _reference(name: str, text: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"} | _about(text)


def _matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"{pattern}|{_VARIABLE}"}


def _url() -> Schema:
    return _matching(r"^\s*[Hh][Tt][Tt][Pp][Ss]?://")


def _method() -> Schema:
    any_case = "|".join(
        "".join(f"[{one}{one.lower()}]" for one in name) for name in value_types.METHODS
    )
    return {"anyOf": [{"enum": list(value_types.METHODS)}, _matching(rf"^\s*({any_case})\s*$")]}


def _number(minimum: int) -> Schema:
    digits = r"^\s*[0-9]+\s*$" if minimum == 0 else r"^\s*0*[1-9][0-9]*\s*$"
    return {"anyOf": [{"type": "integer", "minimum": minimum}, _matching(digits)]}


def _duration(minimum_s: int) -> Schema:
    return {"anyOf": [{"type": "integer", "minimum": minimum_s}, _matching(_DURATION)]}


def _switch() -> Schema:
    return {
        "anyOf": [
            {"type": "boolean"},
            _matching(r"^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\s*$"),
        ]
    }


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item}]}
