"""The generated pages, by their path below docs/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from docs.generate.commands import commands
from docs.generate.environment import environment
from docs.generate.exit_codes import exit_codes
from docs.generate.limits import limits
from docs.generate.manifest import manifest
from docs.generate.manifest_schema import schema_json
from docs.generate.message_options import message_options
from docs.generate.output_fields import output_fields

DOCS = Path(__file__).parents[1]
PAGES: dict[str, Callable[[], str]] = {
    "limits.md": limits,
    "reference/commands.md": commands,
    "reference/environment.md": environment,
    "reference/exit-codes.md": exit_codes,
    "reference/manifest.md": manifest,
    "reference/manifest.schema.json": schema_json,
    "reference/message-options.md": message_options,
    "reference/output-fields.md": output_fields,
}
