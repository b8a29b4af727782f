"""The types of all records that QStash returns."""

from __future__ import annotations

from typing import Any, is_typeddict

from qstash_cli.protocol import records, workflow_records


def record_types() -> dict[str, Any]:
    """Returns the types of records, by name."""
    return {
        name: value
        for module in (records, workflow_records)
        for name, value in vars(module).items()
        if is_typeddict(value)
    }
