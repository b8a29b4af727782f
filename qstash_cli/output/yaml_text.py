"""YAML that `yaml.safe_load` reads back as the same values. Standard: yaml.org/spec/1.1."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from qstash_cli.output.json_text import compact, too_deep
from qstash_cli.output.safe import UNSAFE

if TYPE_CHECKING:
    from yaml.nodes import ScalarNode

# Lines are never folded: a long value stays searchable.
_WIDTH = 1 << 30


def yaml_document(value: Any) -> str:
    """Returns a JSON value as a YAML document, in block style.

    Strings of several lines are literal blocks. Control and invisible characters are escapes.
    Raises `QstashError` for a value that is nested too deeply.
    """
    try:
        # Only JSON's own types, without the numbers that JSON does not have.
        return _dumped(json.loads(compact(value)))
    except RecursionError:
        raise too_deep() from None


def _dumped(value: Any) -> str:
    dump, plain_dump = _dumpers()
    try:
        text = dump(value)
    except UnicodeEncodeError:
        # libyaml has no lone surrogates.
        text = plain_dump(value)
    if not isinstance(value, Mapping | list):
        # The end of a document, which only a lone scalar has.
        text = re.sub(r"\n\.\.\.\n\Z", "\n", text)
    return re.sub(UNSAFE, _escape, text)


@cache
def _dumpers() -> tuple[Callable[[Any], str], Callable[[Any], str]]:
    """Returns the fastest function that dumps a value, and the one written in Python."""
    import yaml

    def represent(dumper: yaml.SafeDumper, text: str) -> ScalarNode:
        unsafe = set(re.findall(UNSAFE, text))
        style = '"' if unsafe - {"\n"} else "|" if unsafe else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def dumper(base: type[yaml.SafeDumper]) -> Callable[[Any], str]:
        # An equal value is written again; aliases are hard to read.
        kind: type[yaml.SafeDumper] = type(
            "_Dumper", (base,), {"ignore_aliases": lambda _self, _data: True}
        )
        kind.add_representer(str, represent)

        def dump(value: Any) -> str:
            text: str = yaml.dump(
                value,
                Dumper=kind,
                default_flow_style=False,
                sort_keys=False,
                allow_unicode=True,
                width=_WIDTH,
            )
            return text

        return dump

    # libyaml takes a seventh of the time, but not every build of PyYAML has it.
    fastest = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return dumper(fastest), dumper(yaml.SafeDumper)


def _escape(found: re.Match[str]) -> str:
    # Strings with such a character are in double quotes, where these escapes are valid.
    character = found[0]
    if character == "\n":
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
