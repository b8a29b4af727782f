"""The reference of the manifest: the keys of its JSON Schema as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docs.generate.manifest_schema import schema
from docs.generate.markdown import code, page, prose, table
from qstash_cli.manifest.options import FAMILIES
from qstash_cli.manifest.resources import TABLES, Kind

_TITLES: dict[Kind, str] = {
    "queue": "Queues",
    "flow": "Flow control keys",
    "urlgroup": "URL groups",
    "schedule": "Schedules",
}


def manifest() -> str:
    """Returns the page."""
    definitions = schema()["$defs"]
    parts: list[str] = []
    for kind, title in _TITLES.items():
        found = definitions[kind]
        parts += [f"## {title}", f"{code(f'[{TABLES[kind]}.NAME]')}  ", _keys(found)]
        if kind == "urlgroup":
            endpoint = definitions["endpoint"]["anyOf"][1]
            parts += ["An endpoint is a URL, or a table with these keys:", _keys(endpoint)]
        if kind == "schedule":
            callback = found["properties"][next(iter(FAMILIES))]["anyOf"][1]
            names = " and ".join(code(name) for name in FAMILIES)
            parts += [f"{names} are a URL, or a table with these keys:", _keys(callback)]
    return page(
        "Manifest",
        "Write a `qstash.toml` for `qstash plan` and `qstash apply`, and let your editor complete "
        "and check it.",
        "[manifest.schema.json](manifest.schema.json) is its JSON Schema. Copy it next to the "
        "manifest, and name it in the first line of the manifest, for editors with Taplo such as "
        "VS Code with Even Better TOML:",
        "```toml\n#:schema ./manifest.schema.json\n```",
        'A key that is missing has its default. Durations are text such as `"90s"` or `"1d12h"`, '
        "or a number of seconds. Strings may contain variables of the environment: `${NAME}`, or "
        "`${NAME:-default}`; `$${` is a literal `${`. A header with several values is a list.",
        *parts,
        "[Schedules as code](../guides/schedules-as-code.md) explains how to work with a manifest.",
    )


def _keys(found: Mapping[str, Any]) -> str:
    required = set(found.get("required", ()))
    rows = [
        (
            code(key) + (" (required)" if key in required else ""),
            _type(value),
            code(_default(value["default"])) if "default" in value else "",
            prose(value["description"]),
        )
        for key, value in found["properties"].items()
    ]
    return table(("Key", "Type", "Default", "Meaning"), rows)


def _default(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type(value: Mapping[str, Any]) -> str:
    """Returns the type for people: strings that stand for numbers and switches are left out."""
    if "$ref" in value:
        return "table"
    kinds = [one.get("type", "string") for one in value.get("anyOf", [value])]
    names = {"object": "table", "array": "list", "integer": "number", "boolean": "true or false"}
    if kinds == ["boolean", "string"]:
        return names["boolean"]
    if kinds == ["integer", "string"]:
        return "duration" if "[smhd]" in str(value) else names["integer"]
    return " or ".join(dict.fromkeys(names.get(kind, kind) for kind in kinds))
