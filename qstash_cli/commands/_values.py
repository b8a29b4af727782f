"""How an argument or a flag says what completes its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Completer = Callable[[Any, str], list[tuple[str, str]]]


def values(kind: str, *more: str) -> Completer:
    """A completer of the values of one kind, such as `queue`, and of these others.

    The kinds are those of `_completed_values`, which is imported when a shell asks; a kind such as
    `jsonl|csv` is its own values.
    """

    def complete(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
        from qstash_cli.commands._completed_values import values_of

        return [*values_of(kind, ctx.obj, ctx.params, incomplete), *((one, "") for one in more)]

    return complete
