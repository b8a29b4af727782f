"""How people see the report on a signature."""

from __future__ import annotations

from collections.abc import Sequence

from qstash_cli.output.result import Column, Record, View

_LAST_INSTANT_S = 253_402_300_800

VIEW = View(
    columns=(
        Column(name="check", of="name"),
        Column(name="outcome", of="outcome", format="state"),
        Column(name="found", of="found", wraps=True),
        Column(name="expected", of="expected", wraps=True),
    ),
    id="key",
    rows=lambda record: record["checks"],
)
VERDICTS = View(
    columns=(
        Column(name="number", of="number"),
        Column(name="valid", of="valid", format="flag"),
        Column(name="key", of="key"),
        Column(name="failed", of=lambda r: r["failed"] or None, format="list"),
        Column(name="url", of="url", format="url"),
        Column(name="finding", of=lambda r: _causes(r["findings"])),
        Column(name="error", of="error"),
    ),
    id="number",
    empty="there is no captured request in it",
)


def _causes(findings: Sequence[Record]) -> str | None:
    return "; ".join([finding["what"] for finding in findings]) if findings else None


def _instant(name: str) -> Column:
    return Column(name=name, of=lambda claims: _readable(claims.get(name)))


def _readable(value: object) -> object:
    from datetime import UTC, datetime

    if not isinstance(value, int | float) or not 0 < value < _LAST_INSTANT_S:
        return value
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


CLAIMS = View(
    columns=(
        Column(name="iss", of="iss"),
        Column(name="sub", of="sub"),
        *(_instant(name) for name in ("iat", "nbf", "exp")),
        Column(name="jti", of="jti"),
        Column(name="body", of="body"),
    ),
    id="jti",
)
