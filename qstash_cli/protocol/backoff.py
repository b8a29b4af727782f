"""Calculates retry delays. Source: QStash docs, "Retry"."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC

from qstash_cli.errors import BadInput

LONGEST_MS = 86_400_000
DEFAULT_RETRIES = 3

# Guess: the docs list these headers without an order; the first one that parses wins.
STEERING_HEADERS = (
    "retry-after",
    "x-ratelimit-reset",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
)

_GO_UNITS_MS = {
    "ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3, "h": 3600e3,
}  # fmt: skip
_GO_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_MAX_CHARACTERS = 500
_HINT = (
    "write an expression for milliseconds with numbers, + - * / % ( ), `retried` and "
    "pow sqrt abs exp floor ceil round min max, such as 1000*pow(2,retried)"
)
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "pow": math.pow, "sqrt": math.sqrt, "abs": abs, "exp": math.exp, "floor": math.floor,
    "ceil": math.ceil, "round": round, "min": min, "max": max,
}  # fmt: skip
_NODES = (
    ast.Expr, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name,
)  # fmt: skip
# simpleeval parses the expression as Python, which also accepts comments, statements and strings,
# and prints warnings about some of them. So only arithmetic tokens may reach the parser.
_ARITHMETIC = re.compile(
    r"(?:\s|[-+*/%(),]|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?(?![\w.])"
    rf"|(?:retried|{'|'.join(_FUNCTIONS)})(?![\w.]))+",
    re.ASCII | re.IGNORECASE,
)


def default_delay_ms(failures: int) -> int:
    """Returns QStash's default delay after the n-th failure: e^(2.5n) seconds, at most a day."""
    return round(min(LONGEST_MS, math.exp(min(2.5 * failures, 100)) * 1000))


def delay_ms(
    failures: int, expression: str | None, response_headers: Iterable[tuple[str, str]], now: float
) -> int:
    """Returns the delay before the next attempt after the n-th failure, in milliseconds.

    The destination's response headers take precedence over the message's expression, and the
    expression over the default.
    """
    steered = steered_delay_ms(response_headers, now)
    if steered is not None:
        return steered
    if expression is not None:
        evaluated = _evaluated_ms(expression, failures - 1)
        if evaluated is not None:
            return evaluated
    return default_delay_ms(failures)


def steered_delay_ms(response_headers: Iterable[tuple[str, str]], now: float) -> int | None:
    """Returns the delay requested by `Retry-After` or a similar response header, or None.

    A value is whole seconds, an HTTP date (RFC 9110 §10.2.3) or a Go duration such as `6m5s`.
    Values over a day are ignored.
    """
    values = {name.lower(): value.strip() for name, value in response_headers}
    for name in STEERING_HEADERS:
        wait_ms = _steering_value_ms(values[name], now) if name in values else None
        if wait_ms is not None and wait_ms <= LONGEST_MS:
            return max(0, round(wait_ms))
    return None


def _steering_value_ms(text: str, now: float) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text) * 1000
    parts = _GO_PART.findall(text)
    if parts and "".join(count + unit for count, unit in parts) == text:
        return sum(float(count) * _GO_UNITS_MS[unit] for count, unit in parts)
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
    # Python versions raise different exceptions for an impossible date.
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now) * 1000


def validate_expression(text: str) -> str:
    """Returns a retry delay expression unchanged. Raises `BadInput` if it cannot be evaluated."""
    if len(text) > _MAX_CHARACTERS or not text.isprintable():
        raise BadInput(
            f"a retry delay is limited to {_MAX_CHARACTERS} printable characters", hint=_HINT
        )
    try:
        _evaluate(text, 1)
    except (ArithmeticError, ValueError):
        return text
    except Exception:  # noqa: BLE001 - the evaluator and the parser raise some twenty exception types each
        raise BadInput(f"not a retry delay: {text!r}", hint=_HINT) from None
    return text


def _evaluated_ms(expression: str, retried: int) -> int | None:
    # Guess: an expression that fails falls back to the default; a negative delay means no delay.
    try:
        value = _evaluate(expression, retried)
    except Exception:  # noqa: BLE001 - the recursion limit depends on the caller's stack
        return None
    return round(min(LONGEST_MS, max(0.0, value))) if math.isfinite(value) else None


def _evaluate(expression: str, retried: int) -> float:
    import operator

    from simpleeval import SimpleEval

    if not _ARITHMETIC.fullmatch(expression):
        raise BadInput(f"not arithmetic: {expression!r}")
    evaluator = SimpleEval(
        operators={
            ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
            ast.Div: operator.truediv, ast.Mod: operator.mod, ast.USub: operator.neg,
            ast.UAdd: operator.pos,
        },
        functions=_FUNCTIONS,
        names={"retried": float(retried)},
    )  # fmt: skip
    evaluator.nodes = {kind: evaluator.nodes[kind] for kind in _NODES}
    evaluator.nodes[ast.Constant] = _number
    return float(evaluator.eval(expression))


def _number(node: ast.Constant) -> float:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise BadInput(f"not a number: {node.value!r}")
    return float(node.value)
