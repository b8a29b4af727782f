"""Applies the JMESPath expression of `--query`. Standard: jmespath.org/specification."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from qstash_cli.errors import BadInput


def compile_query(expression: str) -> Callable[[object], object]:
    """Compiles an expression and returns a function that applies it.

    Raises `BadInput` naming an invalid expression, immediately or when it is applied.
    """
    import jmespath

    mistake = jmespath.exceptions.JMESPathError
    try:
        parsed = jmespath.compile(expression)
    except mistake as error:
        raise _refusal(expression, error) from None

    def search(value: object) -> object:
        try:
            return parsed.search(_as_json_has_it(value))
        except mistake as error:
            raise _refusal(expression, error) from None

    return search


def _as_json_has_it(value: object) -> object:
    # JMESPath searches only `dict` and `list`.
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_as_json_has_it(item) for item in value]
    return value


def _refusal(expression: str, error: Exception) -> BadInput:
    reason = " ".join(str(error).split("\n")[0].split()).rstrip(":")
    return BadInput(
        f"--query is not a valid JMESPath expression: {expression!r}",
        hint=f"{reason}; see jmespath.org, such as '[].messageId'",
    )
